# nginx as Debian has it.
FROM lab/haproxy:2.6
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx > /dev/null \
 && rm -rf /var/lib/apt/lists /var/cache/apt
COPY nginx.conf /etc/nginx/nginx.conf
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
