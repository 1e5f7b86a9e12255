"use strict";
const { EntitySchema } = require("typeorm");

exports.Event = new EntitySchema({
  name: "Event",
  tableName: "events",
  columns: {
    id: { type: "bigint", primary: true, generated: "increment" },
    jobId: { name: "job_id", type: "uuid" },
    position: { type: "int" },
    module: { type: "text" },
    activity: { type: "text" },
    day: { type: "text" },
    startTime: { name: "start_time", type: "time" },
    endTime: { name: "end_time", type: "time" },
    venue: { type: "text" },
  },
});
