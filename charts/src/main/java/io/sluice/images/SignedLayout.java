package io.sluice.images;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Signatures of the images of an OCI layout, as cosign stores them: for each image an artifact with
 * the tag {@code sha256-DIGEST.sig}, whose one layer is the payload ("simple signing") and whose
 * annotation is the signature.
 *
 * <p>They lie in a layout of their own below {@code signatures/}: `ctr images import` would take
 * what the first index names for images, and fail to unpack them. {@code SHA256SUMS}, signed too,
 * lists every file, so that what differs has a name.
 */
final class SignedLayout {
  static final String FOLDER = "signatures";
  static final String SUMS = "SHA256SUMS";
  static final String SUMS_SIGNATURE = SUMS + ".sig";
  static final String PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
  static final String SIGNATURE = "dev.cosignproject.cosign/signature";
  static final String IMAGE_NAME = "io.containerd.image.name";
  static final String TAG = "org.opencontainers.image.ref.name";

  /** In the payload's part for anything: the digest of the image's bill of materials. */
  static final String BILL = "sluice.io/sbom";

  private static final ObjectMapper JSON = new ObjectMapper();

  private SignedLayout() {}

  /** Signs each image that {@code layout/index.json} names, together with its bill. */
  static void sign(Path layout, SigningKey key) throws IOException {
    Path signatures = layout.resolve(FOLDER);
    Path blobs = Files.createDirectories(signatures.resolve("blobs/sha256"));
    ObjectNode index = JSON.createObjectNode().put("schemaVersion", 2);
    index.put("mediaType", "application/vnd.oci.image.index.v1+json");
    ArrayNode artifacts = index.putArray("manifests");
    for (JsonNode image : JSON.readTree(layout.resolve("index.json").toFile()).path("manifests")) {
      String digest = image.path("digest").asText();
      String reference = image.path("annotations").path(IMAGE_NAME).asText();
      byte[] bill = Digests.sha256(layout.resolve(billOf(reference)));
      byte[] payload = JSON.writeValueAsBytes(payload(repository(reference), digest, bill));
      ObjectNode layer = blob(blobs, PAYLOAD_TYPE, payload);
      layer.putObject("annotations").put(SIGNATURE, key.signatureOf(payload));
      ObjectNode artifact =
          blob(
              blobs,
              "application/vnd.oci.image.manifest.v1+json",
              JSON.writeValueAsBytes(manifest(config(blobs, layer), layer)));
      artifact.putObject("annotations").put(TAG, tag(digest));
      artifacts.add(artifact);
    }
    Files.write(signatures.resolve("index.json"), JSON.writeValueAsBytes(index));
    Files.copy(layout.resolve("oci-layout"), signatures.resolve("oci-layout"));
    byte[] sums = sums(layout).getBytes(StandardCharsets.UTF_8);
    Files.write(layout.resolve(SUMS), sums);
    Files.writeString(layout.resolve(SUMS_SIGNATURE), key.signatureOf(sums));
  }

  /** As {@code sha256sum} writes and checks it, in order of the names. */
  private static String sums(Path layout) throws IOException {
    StringBuilder sums = new StringBuilder();
    try (Stream<Path> files = Files.walk(layout)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        sums.append(Digests.hex(Digests.sha256(file)))
            .append("  ")
            .append(layout.relativize(file))
            .append('\n');
      }
    }
    return sums.toString();
  }

  /** The tag of what signs the image with this digest. */
  static String tag(String digest) {
    return digest.replace(':', '-') + ".sig";
  }

  /** An image's name without its tag. */
  static String repository(String reference) {
    return reference.substring(0, reference.lastIndexOf(':'));
  }

  /** Where in the archive the bill of an image lies. */
  static String billOf(String reference) {
    String repository = repository(reference);
    return "sbom/" + repository.substring(repository.lastIndexOf('/') + 1) + ".cdx.json";
  }

  /** Simple signing, as containers-signature(5) has it. */
  private static ObjectNode payload(String repository, String digest, byte[] bill) {
    ObjectNode payload = JSON.createObjectNode();
    ObjectNode critical = payload.putObject("critical");
    critical.putObject("identity").put("docker-reference", repository);
    critical.putObject("image").put("docker-manifest-digest", digest);
    critical.put("type", "cosign container image signature");
    payload.putObject("optional").put(BILL, "sha256:" + Digests.hex(bill));
    return payload;
  }

  private static ObjectNode manifest(ObjectNode config, ObjectNode layer) {
    ObjectNode manifest = JSON.createObjectNode().put("schemaVersion", 2);
    manifest.put("mediaType", "application/vnd.oci.image.manifest.v1+json");
    manifest.set("config", config);
    manifest.putArray("layers").add(layer);
    return manifest;
  }

  private static ObjectNode config(Path blobs, ObjectNode layer) throws IOException {
    ObjectNode config = JSON.createObjectNode().put("architecture", "").put("os", "");
    config.putObject("config");
    config
        .putObject("rootfs")
        .put("type", "layers")
        .putArray("diff_ids")
        .add(layer.path("digest").asText());
    return blob(blobs, "application/vnd.oci.image.config.v1+json", JSON.writeValueAsBytes(config));
  }

  private static ObjectNode blob(Path blobs, String type, byte[] content) throws IOException {
    String digest = Digests.hex(Digests.sha256(content));
    Files.write(blobs.resolve(digest), content);
    return JSON.createObjectNode()
        .put("mediaType", type)
        .put("digest", "sha256:" + digest)
        .put("size", content.length);
  }
}
