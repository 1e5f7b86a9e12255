"""The upload flow of the runbook: a PDF sent to the backend, worked on in a queue, its events read back."""

from pathlib import Path

FLOW: dict[str, object] = {
    "service": "backend",
    "worker": "pdf-worker",
    "upload": "http://localhost:3001/api/upload",
    "field": "file",
    "form": {"pdfType": "WEEKLY"},
    "file": Path(__file__).with_name("schedule.pdf"),
    "type": "application/pdf",
    "id": "jobId",
    "job": "http://localhost:3001/api/jobs/{id}",
    "status": "status",
    "done": ("completed",),
    "failed": ("failed",),
    "events": "http://localhost:3001/api/jobs/{id}/events",
    "expect": 3,
    "clean_sql": ("DELETE FROM jobs WHERE id = :'id'",),
    "clean": (
        {
            "service": "minio",
            "run": ("rm", "-rf", "/data/schedules/incoming/{id}.pdf", "/data/schedules/done/{id}.pdf"),
        },
    ),
}
