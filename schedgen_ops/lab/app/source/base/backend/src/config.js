"use strict";

const env = process.env;

module.exports = {
  port: Number(env.PORT ?? 3001),
  database: {
    host: env.DATABASE_HOST ?? "localhost",
    port: Number(env.DATABASE_PORT ?? 5432),
    username: env.DATABASE_USER ?? "schedgen",
    password: env.DATABASE_PASSWORD,
    database: env.DATABASE_NAME ?? "schedgen",
  },
  redisUrl: env.REDIS_URL ?? "redis://localhost:6379",
  minio: {
    endpoint: env.MINIO_ENDPOINT ?? "http://localhost:9000",
    bucket: env.MINIO_BUCKET ?? "schedules",
    accessKey: env.MINIO_ACCESS_KEY,
    secretKey: env.MINIO_SECRET_KEY,
  },
  maxUploadBytes: 10 * 1024 * 1024,
};
