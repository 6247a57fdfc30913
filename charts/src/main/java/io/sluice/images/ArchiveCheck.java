package io.sluice.images;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluice.images.ArchiveFiles.Part;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Whether an archive of images is what the owner of a key has signed: the whole file, and each part
 * of it, so that a refusal names what differs. Reads the archive once, unpacks nothing. For one
 * thread.
 */
final class ArchiveCheck {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ArchiveFiles files;
  private final VerificationKey key;
  private final List<String> problems = new ArrayList<>();
  private final List<String> images = new ArrayList<>();

  private ArchiveCheck(ArchiveFiles files, VerificationKey key) {
    this.files = files;
    this.key = key;
  }

  static ArchiveCheck of(Path archive, VerificationKey key) throws IOException {
    ArchiveFiles files = ArchiveFiles.read(archive);
    ArchiveCheck check = new ArchiveCheck(files, key);
    check.problems.addAll(files.problems());
    check.checkArchive(archive);
    check.checkSums();
    check.checkImages();
    return check;
  }

  /** What differs, one line each, beginning with its name; empty for a good archive. */
  List<String> problems() {
    return List.copyOf(problems);
  }

  /** A line for each image that was found. */
  List<String> images() {
    return List.copyOf(images);
  }

  private void checkArchive(Path archive) throws IOException {
    Path signature = ImagesCommand.signatureOf(archive);
    if (!Files.exists(signature)) {
      problems.add(archive + ": not signed, there is no " + signature);
    } else if (!key.hasSigned(files.digest(), Files.readString(signature))) {
      problems.add(archive + ": " + signature + " is not the signature of these bytes by this key");
    }
  }

  /** Names each file that is not the one that was signed. */
  private void checkSums() {
    Part sums = files.parts().get(SignedLayout.SUMS);
    Part signature = files.parts().get(SignedLayout.SUMS_SIGNATURE);
    if (sums == null
        || signature == null
        || !key.hasSigned(
            sums.digest(), new String(signature.content(), StandardCharsets.US_ASCII))) {
      problems.add(
          "%s: %s is not its signature by this key"
              .formatted(SignedLayout.SUMS, SignedLayout.SUMS_SIGNATURE));
      return;
    }
    Set<String> listed = new HashSet<>(Set.of(SignedLayout.SUMS, SignedLayout.SUMS_SIGNATURE));
    new String(sums.content(), StandardCharsets.UTF_8)
        .lines()
        .forEach(line -> {
          String name = line.replaceFirst("^[0-9a-f]+  ", "");
          listed.add(name);
          if (!hasDigest(name, "sha256:" + line.replaceFirst(" .*", ""))) {
            problems.add(name + ": missing, or not the bytes that were signed");
          }
        });
    files.parts().keySet().stream()
        .filter(name -> !listed.contains(name))
        .forEach(name -> problems.add(name + ": was not there when the archive was signed"));
  }

  private void checkImages() {
    layoutVersion("oci-layout");
    layoutVersion(SignedLayout.FOLDER + "/oci-layout");
    JsonNode signatures = json(SignedLayout.FOLDER + "/index.json").path("manifests");
    JsonNode index = json("index.json").path("manifests");
    JsonNode forDocker = json("manifest.json");
    if (index.isEmpty() || forDocker.size() != index.size()) {
      problems.add("manifest.json: index.json does not name as many images");
    }
    for (int i = 0; i < index.size(); i++) {
      JsonNode image = index.path(i);
      String reference = image.path("annotations").path(SignedLayout.IMAGE_NAME).asText();
      if (!reference.contains(":")) {
        problems.add("index.json: an image has no name");
        continue;
      }
      JsonNode manifest = json(blob("", image, "the manifest of " + reference));
      blob("", manifest.path("config"), "the configuration of " + reference);
      List<String> layers = new ArrayList<>();
      for (JsonNode layer : manifest.path("layers")) {
        layers.add(blob("", layer, "a layer of " + reference));
      }
      checkWhatDockerLoads(forDocker.path(i), manifest, layers, reference);
      String bill = SignedLayout.billOf(reference);
      int components = json(bill).path("components").size();
      if (components == 0) {
        problems.add(bill + ": lists nothing of " + reference);
      }
      checkSignature(signatures, image.path("digest").asText(), reference, bill);
      images.add(
          "%s: %s, %s layers, %s components in %s"
              .formatted(
                  reference, image.path("digest").asText(), layers.size(), components, bill));
    }
  }

  /** The engine reads manifest.json, so what is signed has to be what stands there. */
  private void checkWhatDockerLoads(
      JsonNode loaded, JsonNode manifest, List<String> layers, String reference) {
    List<String> named = new ArrayList<>();
    loaded.path("Layers").forEach(layer -> named.add(layer.asText()));
    if (!named.equals(layers)
        || !loaded.path("Config").asText().equals(path("", manifest.path("config")))
        || !loaded.path("RepoTags").path(0).asText().equals(reference)) {
      problems.add("manifest.json: `docker load` would take something else for " + reference);
    }
  }

  private void checkSignature(JsonNode signatures, String digest, String reference, String bill) {
    for (JsonNode signature : signatures) {
      if (!signature
          .path("annotations")
          .path(SignedLayout.TAG)
          .asText()
          .equals(SignedLayout.tag(digest))) {
        continue;
      }
      String of = "the signature of " + reference;
      JsonNode artifact = json(blob(SignedLayout.FOLDER + "/", signature, of));
      blob(SignedLayout.FOLDER + "/", artifact.path("config"), of);
      JsonNode layer = artifact.path("layers").path(0);
      String payloadName = blob(SignedLayout.FOLDER + "/", layer, of);
      JsonNode payload = json(payloadName);
      JsonNode critical = payload.path("critical");
      Part signed = files.parts().get(payloadName);
      if (signed == null
          || !key.hasSigned(
              signed.digest(), layer.path("annotations").path(SignedLayout.SIGNATURE).asText())) {
        problems.add(payloadName + ": " + of + " is not by this key");
      } else if (!critical.path("image").path("docker-manifest-digest").asText().equals(digest)
          || !critical
              .path("identity")
              .path("docker-reference")
              .asText()
              .equals(SignedLayout.repository(reference))) {
        problems.add(payloadName + ": signs another image than " + reference);
      } else if (!hasDigest(bill, payload.path("optional").path(SignedLayout.BILL).asText())) {
        problems.add(bill + ": not the bill that was signed with " + reference);
      }
      return;
    }
    problems.add(
        "%s: not signed, %s/index.json has no %s"
            .formatted(reference, SignedLayout.FOLDER, SignedLayout.tag(digest)));
  }

  private void layoutVersion(String name) {
    if (!json(name).path("imageLayoutVersion").asText().equals("1.0.0")) {
      problems.add(name + ": not version 1.0.0 of the OCI layout");
    }
  }

  /** Looks whether what a descriptor names is there and is that; its name in the archive. */
  private String blob(String folder, JsonNode descriptor, String what) {
    String name = path(folder, descriptor);
    Part part = files.parts().get(name);
    if (part == null) {
      problems.add(name + ": missing, " + what);
    } else if (!hasDigest(name, descriptor.path("digest").asText())
        || part.size() != descriptor.path("size").asLong()) {
      problems.add(name + ": " + what + " has other bytes");
    }
    return name;
  }

  private boolean hasDigest(String name, String digest) {
    Part part = files.parts().get(name);
    return part != null && digest.equals("sha256:" + Digests.hex(part.digest()));
  }

  private static String path(String folder, JsonNode descriptor) {
    return folder + "blobs/" + descriptor.path("digest").asText().replace(':', '/');
  }

  private JsonNode json(String name) {
    Part part = files.parts().get(name);
    if (part == null) {
      problems.add(name + ": missing");
      return MissingNode.getInstance();
    }
    try {
      return JSON.readTree(part.content());
    } catch (JsonProcessingException e) {
      problems.add(name + ": cannot be read");
      return MissingNode.getInstance();
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory", e);
    }
  }
}
