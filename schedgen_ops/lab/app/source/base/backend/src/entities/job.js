"use strict";
const { EntitySchema } = require("typeorm");

exports.Job = new EntitySchema({
  name: "Job",
  tableName: "jobs",
  columns: {
    id: { type: "uuid", primary: true },
    pdfType: { name: "pdf_type", type: "text" },
    fileName: { name: "file_name", type: "text" },
    objectKey: { name: "object_key", type: "text" },
    status: { type: "text" },
    error: { type: "text", nullable: true },
    createdAt: { name: "created_at", type: "timestamptz", createDate: true },
    completedAt: { name: "completed_at", type: "timestamptz", nullable: true },
  },
});
