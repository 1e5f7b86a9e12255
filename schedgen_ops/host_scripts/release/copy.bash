# Copies what a release was made from to the one that goes back to it.
#: source  the folder of the one
#: target  the folder of the other
#: config  the name of the ingress's configuration in it
cp -p -- "$source/owner.yaml" "$source/$config" "$target" || exit
# Releases of earlier versions kept no env file.
[ ! -f "$source/.env" ] || cp -p -- "$source/.env" "$target"
