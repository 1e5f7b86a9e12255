// Notes each visit in its database, and says which release it is of once that is done.
const login = { host: "db", user: "shop", password: "shop", database: "shop" };
const db = require("mysql2/promise").createPool(login);
const version = require("node:fs").readFileSync("version", "utf8").trim();

async function answer(request, response) {
  const health = request.url === "/health";
  await db.query(health ? "SELECT count(*) FROM visits" : `INSERT INTO visits (of) VALUES (${version})`);
  response.end(health ? "ok" : version);
}

function serve() {
  const server = require("node:http").createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(error.message));
  });
  server.listen(8000);
}

if (process.argv[2] !== "migrate") serve();
else {
  db.query("CREATE TABLE IF NOT EXISTS visits (id INT AUTO_INCREMENT PRIMARY KEY, of INT)")
    .then(() => process.exit(0), (error) => {
      console.error(error.message);
      process.exit(1);
    });
}
process.on("SIGTERM", () => process.exit(0));
