package io.sluice.images;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    ArchiveFiles.Part sums = files.parts().get(SignedLayout.SUMS);
    ArchiveFiles.Part signature = files.parts().get(SignedLayout.SUMS_SIGNATURE);
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
      ArchiveFiles.Part signed = files.parts().get(payloadName);
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
    ArchiveFiles.Part part = files.parts().get(name);
    if (part == null) {
      problems.add(name + ": missing, " + what);
    } else if (!hasDigest(name, descriptor.path("digest").asText())
        || part.size() != descriptor.path("size").asLong()) {
      problems.add(name + ": " + what + " has other bytes");
    }
    return name;
  }

  private boolean hasDigest(String name, String digest) {
    ArchiveFiles.Part part = files.parts().get(name);
    return part != null && digest.equals("sha256:" + Digests.hex(part.digest()));
  }

  private static String path(String folder, JsonNode descriptor) {
    return folder + "blobs/" + descriptor.path("digest").asText().replace(':', '/');
  }

  private JsonNode json(String name) {
    ArchiveFiles.Part part = files.parts().get(name);
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

  /**
   * What an archive (tar, as GNU tar writes plain files and directories) holds, without unpacking
   * it: it may come from anybody.
   *
   * @param digest SHA-256 of the whole archive
   * @param parts files by their names, without {@code ./}
   * @param problems what no archive of images holds, one line each
   */
  private record ArchiveFiles(byte[] digest, Map<String, Part> parts, List<String> problems) {
    private static final int BLOCK = 512;
    private static final int NAME_BYTES = 100;
    private static final int SIZE_AT = 124;
    private static final int SIZE_BYTES = 12;
    private static final int TYPE_AT = 156;

    /** Manifests, bills and signatures are smaller; of anything larger only the digest is kept. */
    private static final int LARGEST_TEXT_BYTES = 8 << 20;

    /**
     * A file.
     *
     * @param content empty where it is larger than any text in an archive
     */
    record Part(long size, byte[] digest, byte[] content) {}

    /**
     * @throws IOException also when the file ends too soon
     */
    static ArchiveFiles read(Path archive) throws IOException {
      Map<String, Part> parts = new LinkedHashMap<>();
      List<String> problems = new ArrayList<>();
      try (InputStream file = Files.newInputStream(archive);
          DigestInputStream whole = new DigestInputStream(file, Digests.sha256());
          BufferedInputStream in = new BufferedInputStream(whole, 1 << 16)) {
        byte[] header = new byte[BLOCK];
        while (in.readNBytes(header, 0, BLOCK) == BLOCK && header[0] != 0) {
          String name = text(header, 0, NAME_BYTES).replaceFirst("^\\./", "");
          long size = size(header, name);
          Part part = part(in, size, archive);
          switch (header[TYPE_AT]) {
            case '0', 0 -> {
              if (parts.putIfAbsent(name, part) != null) {
                problems.add(name + ": is in the archive twice");
              }
            }
            case '5' -> {}
            default -> problems.add(name + ": neither a file nor a directory");
          }
        }
        byte[] rest = new byte[1 << 16];
        while (in.read(rest) >= 0) {} // padding counts for the signature
        return new ArchiveFiles(whole.getMessageDigest().digest(), parts, problems);
      }
    }

    private static Part part(InputStream in, long size, Path archive) throws IOException {
      MessageDigest digest = Digests.sha256();
      byte[] content = new byte[size <= LARGEST_TEXT_BYTES ? (int) size : 0];
      byte[] chunk = new byte[1 << 16];
      for (long done = 0; done < size; ) {
        int count = in.readNBytes(chunk, 0, (int) Math.min(chunk.length, size - done));
        if (count == 0) {
          throw new EOFException(archive + ": ends in the middle of a file");
        }
        digest.update(chunk, 0, count);
        if (content.length > 0) {
          System.arraycopy(chunk, 0, content, (int) done, count);
        }
        done += count;
      }
      in.skipNBytes((BLOCK - size % BLOCK) % BLOCK);
      return new Part(size, digest.digest(), content);
    }

    private static long size(byte[] header, String name) throws IOException {
      try {
        return Long.parseUnsignedLong(text(header, SIZE_AT, SIZE_BYTES).strip(), 8);
      } catch (NumberFormatException e) {
        throw new IOException("the archive: no size of " + name, e);
      }
    }

    private static String text(byte[] header, int from, int length) {
      int end = from;
      while (end < from + length && header[end] != 0) {
        end++;
      }
      return new String(Arrays.copyOfRange(header, from, end), StandardCharsets.ISO_8859_1);
    }
  }
}
