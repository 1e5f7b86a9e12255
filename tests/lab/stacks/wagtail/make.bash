# Makes the site's own files, in the project's folder: what `wagtail start` writes, without its Dockerfile.
sed '/^WORKDIR/,$d' Dockerfile | docker build --quiet --tag wagtail-made - > /dev/null
made=$(mktemp --directory)
docker run --rm --user "$(id -u):$(id -g)" --volume "$made:/made" wagtail-made wagtail start shop /made > /dev/null
docker rmi --force wagtail-made > /dev/null
rm "$made/Dockerfile"
cp --recursive "$made/." .
rm --recursive "$made"
mv hosted.py shop/settings/
