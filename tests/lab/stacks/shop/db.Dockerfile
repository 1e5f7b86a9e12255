# MariaDB as Debian has it, with a database for the shop.
FROM lab/redis:7
USER root
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends mariadb-server-core mariadb-client-core > /dev/null \
 && rm -rf /var/lib/apt/lists /var/cache/apt && groupadd mysql && useradd -g mysql mysql && install -d -o mysql /run/mysqld
COPY db.sql /
CMD ["sh", "-c", "[ -d /var/lib/mysql/mysql ] || mariadb-install-db --user=mysql --skip-test-db > /dev/null; \
     exec mariadbd --user=mysql --datadir=/var/lib/mysql --init-file=/db.sql --bind-address=0.0.0.0"]
