"use strict";

const form = document.getElementById("upload");
const statusLine = document.getElementById("status");

function say(text, bad = false) {
  statusLine.hidden = false;
  statusLine.textContent = text;
  statusLine.classList.toggle("bad", bad);
}

async function api(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.message ?? `the server answered ${response.status}`);
  return body;
}

async function finished(jobId) {
  for (;;) {
    const job = await api(`/api/jobs/${jobId}`);
    say(`${job.fileName}: ${job.status}`);
    if (job.status === "failed") throw new Error(job.error);
    if (job.status === "completed") return job;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

function show(events) {
  document.getElementById("events").replaceChildren(...events.map((event) => {
    const row = document.createElement("tr");
    const time = `${event.startTime.slice(0, 5)}–${event.endTime.slice(0, 5)}`;
    for (const text of [event.module, event.activity, event.day, time, event.venue]) {
      row.insertCell().textContent = text;
    }
    return row;
  }));
  document.getElementById("result").hidden = false;
}

form.addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  say("uploading");
  try {
    const { jobId } = await api("/api/upload", { method: "POST", body: new FormData(form) });
    const job = await finished(jobId);
    const events = await api(`/api/jobs/${jobId}/events`);
    show(events);
    say(`${job.fileName}: ${events.length} events`);
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
});
