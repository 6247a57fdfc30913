#!/bin/sh
# Images as files, without an engine: layers that are the same bytes for the same content, and one archive that `docker load`,
# `podman load` and `k3s ctr images import` read (an OCI layout with the manifest of `docker save` beside it), with a bill of
# materials of each image and, with --sign-key, signatures (see SignedLayout). To be sourced.
# shellcheck disable=SC2154

# The tree $1 as the tar $2. Whatever the machine adds is left out: owners, times, order.
pack() {
	tar --create --format=gnu --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --directory="$1" --file="$2" .
}

digest() { sha256sum "$1" | cut -d ' ' -f 1; }

# The tar $1 compressed, and where that is; kept, since most layers are those of the run before.
compressed() {
	kept=$work/compressed/$(digest "$1").gz
	[ -f "$kept" ] || {
		mkdir -p "$work/compressed"
		gzip -n -c "$1" >"$kept.part"
		mv "$kept.part" "$kept"
	}
	touch "$kept"
	echo "$kept"
}

# Puts file $1 among the blobs and prints its digest.
blob() {
	name=$(digest "$1")
	[ -f "$blobs/$name" ] || cp "$1" "$blobs/$name"
	echo "$name"
}

# The values of instruction $1 in the Containerfile of $image, one a line.
instructions() { sed -n "s/^$1 //p" "$here/$image/Containerfile" | sed "s/\${VERSION}/$version/g"; }

# The layers of image $1. Images have the first ones in common, so that a machine with both keeps these once; a base in a
# Containerfile is always the first.
layers_of() {
	image=$1
	echo runtime libraries base
	instructions ADD | sed 's/\.tar \/$//' | grep -vx -e runtime -e libraries
}

# Words from standard input, one a line, as JSON strings with commas between them.
json_strings() { sed 's/.*/"&"/' | paste -sd ,; }

# "key":"value" of lines KEY=VALUE or KEY="VALUE".
json_labels() { sed 's/^\([^=]*\)="\{0,1\}\([^"]*\)"\{0,1\}$/"\1":"\2"/' | paste -sd ,; }

descriptor() { printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s%s}' "$1" "$2" "$(stat -c %s "$blobs/$2")" "${3:-}"; }

# Adds $image with the layers in its context to the archive that grows in $blobs.
add_image() {
	context=$contexts/$image
	diff_ids='' layers='' history='' docker_layers=''
	for layer in $(layers_of "$image"); do
		[ -f "$context/$layer.tar" ] || die "no $context/$layer.tar, which images/$image/Containerfile adds"
		name=$(blob "$(compressed "$context/$layer.tar")")
		diff_ids="$diff_ids,\"sha256:$(digest "$context/$layer.tar")\""
		layers="$layers,$(descriptor layer.v1.tar+gzip "$name")"
		docker_layers="$docker_layers,\"blobs/sha256/$name\""
		history="$history,{\"created\":\"$created\",\"created_by\":\"$layer\"}"
	done
	printf '{"architecture":"%s","os":"linux","created":"%s","config":{"User":"%s","Env":[%s],"Entrypoint":%s,"Labels":{%s}},"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
		"$architecture" "$created" "$(instructions USER)" "$(instructions ENV | json_strings)" "$(instructions ENTRYPOINT)" \
		"$(instructions LABEL | json_labels)" "${diff_ids#,}" "${history#,}" >"$work/config.json"
	config=$(blob "$work/config.json")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
		"$(descriptor config.v1+json "$config")" "${layers#,}" >"$work/manifest.json"
	reference=$registry/sluice-$image:$version
	manifest=$(blob "$work/manifest.json")
	index="$index,$(descriptor manifest.v1+json "$manifest" ",\"platform\":{\"architecture\":\"$architecture\",\"os\":\"linux\"},\"annotations\":{\"io.containerd.image.name\":\"$reference\",\"org.opencontainers.image.ref.name\":\"$version\"}")"
	docker="$docker,{\"Config\":\"blobs/sha256/$config\",\"RepoTags\":[\"$reference\"],\"Layers\":[${docker_layers#,}]}"
	cp "$context/bill.cdx.json" "$layout/sbom/sluice-$image.cdx.json"
	say "$reference: manifest sha256:$manifest"
}

# Writes the images given to the archive $1.
save() {
	archive=$1
	shift
	layout=$work/layout
	blobs=$layout/blobs/sha256
	rm -rf "$layout"
	mkdir -p "$blobs" "$layout/sbom"
	index='' docker=''
	for image; do add_image; done
	printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "${index#,}" >"$layout/index.json"
	printf '[%s]' "${docker#,}" >"$layout/manifest.json"
	rm -f "$archive.sig"
	[ -z "$sign_key" ] || step sign "$layout" "$sign_key"
	pack "$layout" "$archive.part"
	mv "$archive.part" "$archive"
	[ -z "$sign_key" ] || step sign-archive "$archive" "$sign_key"
	rm -rf "$layout" "$work/config.json" "$work/manifest.json"
	find "$work/compressed" -name '*.gz' -mtime +7 -delete
}
