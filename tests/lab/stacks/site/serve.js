// Tells what is in two files of a folder, each read when it is asked for, the second a moment after the first: a mixture
// of two releases shows. Where there is a file `broken`, it is not well.
const { existsSync, readFileSync } = require("node:fs");

const read = (name) => readFileSync(`/srv/public/${name}`, "utf8").trim();
require("node:http")
  .createServer(({ url }, response) => {
    if (url === "/health") {
      response.statusCode = existsSync("/srv/public/broken") ? 500 : 200;
      return response.end("ok");
    }
    const first = read("a");
    setTimeout(() => response.end(`${first} ${read("b")}`), 30);
  })
  .listen(8000);
process.on("SIGTERM", () => process.exit(0));
