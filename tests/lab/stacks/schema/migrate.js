// Applies what is not applied, takes back the last one, or shows how each stands. Each with its note, or not at all.
const { readdirSync, readFileSync } = require("node:fs");
const query = require("./query");

async function main(how) {
  await query("CREATE TABLE IF NOT EXISTS done (name text PRIMARY KEY)");
  const done = await query("SELECT name FROM done ORDER BY name");
  const all = readdirSync("migrations").sort();
  if (how === "show") for (const name of all) console.log(done.includes(name) ? "x" : "-", name);
  if (how === "up")
    for (const name of all.filter((name) => !done.includes(name))) {
      await query(`${readFileSync(`migrations/${name}`)}; INSERT INTO done VALUES ('${name}')`);
      console.log("applied", name);
    }
  if (how === "down") {
    const name = done.at(-1);
    await query(`${readFileSync(`undo/${name}`)}; DELETE FROM done WHERE name = '${name}'`);
    console.log("reverted", name);
  }
}

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
