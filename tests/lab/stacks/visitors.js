// Visitors of doors, KIND=ADDRESS:PORT each: they ask again and again, each time by a connection of its own, and tell
// on SIGTERM, for each door, how often they had which answer, and why they had none.
const had = {};
const doors = process.argv.slice(2).map((word) => {
  const [kind, door] = word.split("=");
  const [, host, port] = door.match(/^(.*):(\d+)$/);
  return { kind, host: host.replace(/[[\]]/g, ""), port: Number(port), seen: (had[word] ||= {}) };
});
const options = ({ host, port }) => ({ host, port, agent: false, rejectUnauthorized: false, timeout: 30000 });

const ask = {
  http: (door) => get(require("node:http"), door),
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

function get(by, door) {
  return new Promise((done, failed) => {
    by.get({ ...options(door), path: "/" }, (answer) => {
      let said = "";
      answer.on("data", (part) => (said += part));
      answer.on("end", () => done(answer.statusCode === 200 ? said : `status ${answer.statusCode}`));
      answer.on("error", failed);
    }).on("error", failed);
  });
}

async function visit(door) {
  for (;;) {
    const said = await ask[door.kind](door).catch((error) => `no answer: ${error.code || error.message}`);
    door.seen[said] = (door.seen[said] || 0) + 1;
    await new Promise((rested) => setTimeout(rested, 50));
  }
}

doors.forEach(visit);
process.on("SIGTERM", () => {
  console.log(JSON.stringify(had));
  process.exit(0);
});
