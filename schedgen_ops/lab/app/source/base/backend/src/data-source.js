"use strict";
require("reflect-metadata");
const path = require("node:path");
const { DataSource } = require("typeorm");
const config = require("./config");
const log = require("./log");
const { Job } = require("./entities/job");
const { Event } = require("./entities/event");

// The schema comes from migrations only: nothing is created or changed when the service starts.
module.exports = new DataSource({
  type: "postgres",
  ...config.database,
  applicationName: "backend",
  poolSize: 8,
  connectTimeoutMS: 5000,
  entities: [Job, Event],
  migrations: [path.join(__dirname, "migrations", "*.js")],
  synchronize: false,
  poolErrorHandler: (error) => log.warn("database connection lost", { reason: error.message }),
});
