#!/bin/sh
# 2,000 small PDFs in the bucket, about 4 KB each. Runs inside the minio container:
#   docker compose exec -T minio sh < seed-objects.sh
set -eu
folder=/data/schedules/done
mkdir -p "$folder"
awk -v folder="$folder" 'BEGIN {
    for (line = 0; line < 60; line++)
        body = body sprintf("(COS %03d  Lecture  Monday  08:30-09:20  IT %d-%d) Tj T*\n", 300 + line, line % 4, line)
    for (i = 0; i < 2000; i++) {
        file = sprintf("%s/seed-%04d.pdf", folder, i)
        text = sprintf("BT /F1 10 Tf 40 800 Td 12 TL\n(Schedule %d) Tj T*\n%sET", i, body)
        printf "%%PDF-1.4\n" > file
        printf "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" > file
        printf "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n" > file
        printf "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>\nendobj\n" > file
        printf "4 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n", length(text), text > file
        printf "trailer\n<< /Size 5 /Root 1 0 R >>\n%%%%EOF\n" > file
        close(file)
    }
}'
echo "$(find "$folder" -name 'seed-*.pdf' | wc -l) objects under $folder"
