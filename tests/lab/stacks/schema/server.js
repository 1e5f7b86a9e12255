// Says which release it is of, where its schema is there: the second one needs more of that. One that is sick is not well.
const { readFileSync } = require("node:fs");
const query = require("./query");

const number = readFileSync("web/version", "utf8").trim();
const needs = number === "1" ? "SELECT FROM orders" : "SELECT paid, note FROM orders";

const server = require("node:http").createServer(async (request, response) => {
  try {
    if (request.url === "/health") {
      await query(needs);
      if ((await query("SELECT number FROM sick")).includes(number)) response.statusCode = 500;
    }
  } catch (error) {
    response.statusCode = 500;
  }
  response.end(number);
});
server.listen(8000);
process.on("SIGTERM", () => process.exit(0));
