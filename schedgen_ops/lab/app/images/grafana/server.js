"use strict";
// Stands in for Grafana: GET /api/health, GET and POST /api/annotations, and a page that says what it is.
// Annotations live in memory and are gone after a restart.
const http = require("node:http");

const annotations = [];

function send(res, status, body, type = "application/json") {
  const text = type === "application/json" ? JSON.stringify(body) : body;
  res.writeHead(status, { "Content-Type": type });
  res.end(text);
}

async function readJson(req) {
  let text = "";
  for await (const chunk of req) {
    text += chunk;
    if (text.length > 65536) throw new Error("body too large");
  }
  return JSON.parse(text || "{}");
}

function listAnnotations(query) {
  const from = Number(query.get("from") ?? 0);
  const to = Number(query.get("to") ?? Number.MAX_SAFE_INTEGER);
  const limit = Number(query.get("limit") ?? 100);
  const tags = query.getAll("tags");
  return annotations
    .filter((a) => a.timeEnd >= from && a.time <= to && tags.every((tag) => a.tags.includes(tag)))
    .slice(-limit)
    .reverse();
}

async function addAnnotation(req, res) {
  let body;
  try {
    body = await readJson(req);
  } catch (error) {
    return send(res, 400, { message: `bad request data: ${error.message}` });
  }
  if (typeof body.text !== "string" || body.text === "") {
    return send(res, 400, { message: "text field should not be empty" });
  }
  const time = Number(body.time ?? Date.now());
  const annotation = {
    id: annotations.length + 1,
    dashboardUID: body.dashboardUID ?? "",
    time,
    timeEnd: Number(body.timeEnd ?? time),
    tags: Array.isArray(body.tags) ? body.tags.map(String) : [],
    text: body.text,
  };
  annotations.push(annotation);
  console.log(`annotation ${annotation.id}: ${annotation.text}`);
  return send(res, 200, { id: annotation.id, message: "Annotation added" });
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function page() {
  const rows = annotations.map((a) => `<li>${new Date(a.time).toISOString()} ${escape(a.text)}</li>`).join("");
  return `<!doctype html><title>Grafana stand-in</title><h1>A stand-in for Grafana</h1>
<p>No dashboards here: only /api/health and /api/annotations answer.</p><ul>${rows}</ul>`;
}

const server = http.createServer((req, res) => {
  const url = new URL(req.url, "http://grafana");
  const route = `${req.method} ${url.pathname}`;
  if (route === "GET /api/health") return send(res, 200, { database: "ok", version: "0.0.0-stand-in" });
  if (route === "GET /api/annotations") return send(res, 200, listAnnotations(url.searchParams));
  if (route === "POST /api/annotations") return addAnnotation(req, res);
  if (req.method === "GET" && ["/", "/login"].includes(url.pathname)) return send(res, 200, page(), "text/html");
  return send(res, 404, { message: "Not found" });
});

server.listen(3000, () => console.log("lab/grafana: a stand-in for Grafana, listening on :3000"));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.close(() => process.exit(0)));
