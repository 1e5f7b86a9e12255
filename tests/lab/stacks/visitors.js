// Visitors of doors, KIND=ADDRESS:PORT each, or KIND=ADDRESS:PORT/PATH: they ask again and again, each time by a
// connection of its own, and tell on SIGTERM, for each door, how often they had which answer, and why they had none.
const had = {};
const doors = process.argv.slice(2).map((word) => {
  const [kind, door] = word.split("=");
  const [, host, port, path] = door.match(/^(.*):(\d+)(\/.*)?$/);
  return { kind, host: host.replace(/[[\]]/g, ""), port: Number(port), path, seen: (had[word] ||= {}) };
});
const options = ({ host, port }) => ({ host, port, agent: false, rejectUnauthorized: false, timeout: 30000 });

const ask = {
  http: (door) => get(require("node:http"), door, door.path),
  tls: (door) => get(require("node:https"), door),
  line: (door) =>
    new Promise((done, failed) => {
      const socket = require("node:net").connect(options(door), () => socket.write("hello\n"));
      let said = "";
      socket.on("data", (part) => {
        said += part;
        if (said.endsWith("\n")) socket.end(() => done(said.split(" ")[0]));
      });
      socket.on("close", () => failed(new Error("closed")));
      socket.on("error", failed);
    }),
  ws: (door) => talk(door, 4),
  // One that stays: what it had last, and how it ended.
  held: (door) => talk(door, Infinity).catch((error) => error.message),
  sse: async (door) => {
    const events = (await get(require("node:http"), door, "/events")).match(/^data: .*$/gm) || [];
    return events.length === 8 ? events[0].slice(6) : `${events.length} events`;
  },
  upload: (door) => send(door, 20),
  expect: (door) => send(door, 1, { expect: "100-continue", "content-length": MB }),
  h2c: (door) =>
    new Promise((done, failed) => {
      const client = require("node:http2").connect(`http://${door.host}:${door.port}`);
      client.on("error", failed);
      const stream = client.request({ ":path": "/" });
      let said = "";
      stream.on("data", (part) => (said += part));
      stream.on("error", failed);
      stream.on("end", () => client.close(() => done(said)));
      stream.end();
    }),
};

// A word and its answer so often, in the same WebSocket.
function talk(door, times) {
  return new Promise((done, failed) => {
    const socket = new WebSocket(`ws://${door.host}:${door.port}/socket`);
    let said = "";
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => {
      said = data.split(" ")[0];
      if (--times) setTimeout(() => socket.readyState === 1 && socket.send("hello"), 200);
      else socket.close();
    };
    socket.onclose = ({ code }) => (times ? failed(new Error(`${said} closed with ${code}`)) : done(said));
  });
}

// A body of so many MB, slowly; one that is to be asked for only once it was.
const MB = 1 << 20;
function send(door, parts, headers = {}) {
  return new Promise((done, failed) => {
    let sent = 0, asked = !headers.expect;
    const went = { ...options(door), path: "/", method: "POST", headers };
    const request = require("node:http").request(went, (answer) => {
      heard(answer, failed, (said) => {
        const [version, length] = said.split(" ");
        done(asked && Number(length) === parts * MB ? version : `answered too early: ${said}`);
      });
    });
    const more = () => {
      if (sent++ < parts) setTimeout(() => request.write(Buffer.alloc(MB), more), 40);
      else request.end();
    };
    request.on("error", failed);
    request.on("continue", () => {
      asked = true;
      more();
    });
    if (asked) more();
    else request.flushHeaders();
  });
}

function get(by, door, path = "/") {
  return new Promise((done, failed) => {
    by.get({ ...options(door), path }, (answer) => heard(answer, failed, done)).on("error", failed);
  });
}

function heard(answer, failed, done) {
  let said = "";
  answer.on("data", (part) => (said += part));
  answer.on("end", () => done(answer.statusCode === 200 ? said : `status ${answer.statusCode}`));
  answer.on("error", failed);
}

async function visit(door) {
  for (;;) {
    const said = await ask[door.kind](door).catch((error) => `no answer: ${error.code || error.message}`);
    door.seen[said] = (door.seen[said] || 0) + 1;
    // What costs the machine most is asked less often.
    await new Promise((rested) => setTimeout(rested, door.kind === "upload" ? 500 : 50));
  }
}

doors.forEach(visit);
process.on("SIGTERM", () => {
  console.log(JSON.stringify(had));
  process.exit(0);
});
