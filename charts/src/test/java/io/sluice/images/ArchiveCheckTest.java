package io.sluice.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.attack.Attack;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Signatures of an archive of images and their check, on small files in the place of layers. The
 * keys are made and signatures judged by the {@code openssl} program, which is not ours.
 */
class ArchiveCheckTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> NAMES = List.of("sluice-node", "sluice-controller");
  private static final int BLOCK = 512; // of a tar

  @TempDir private static Path keys;
  @TempDir private Path directory;

  private Path archive = Path.of("");

  @BeforeAll
  static void makeKeys() throws Exception {
    for (String name : List.of("cosign", "other")) {
      openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key(name));
      openssl("ec", "-in", key(name), "-pubout", "-out", publicKey(name));
    }
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", key("cosign"), "-out", key("pkcs8"));
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", key("p384"));
  }

  @BeforeEach
  void makeArchive() throws Exception {
    archive = archive("sluice-images.tar", key("cosign"));
  }

  @Test
  void aSignedArchiveIsFoundToBeWhatWasSigned() {
    assertThat(verify("cosign"))
        .startsWith("0 localhost/sluice/sluice-node:1: sha256:")
        .contains("localhost/sluice/sluice-controller:1: sha256:", "archive: signature good");
  }

  @Test
  void opensslFindsTheSameSignaturesGood() throws Exception {
    Path signature = directory.resolve("signature");
    Files.write(
        signature,
        Base64.getDecoder().decode(Files.readString(ImagesCommand.signatureOf(archive))));
    assertThat(judge(signature, archive)).contains("Verified OK");

    Path signatures = directory.resolve("layout/signatures");
    var index = JSON.readTree(signatures.resolve("index.json").toFile()).path("manifests");
    assertThat(index).hasSize(NAMES.size());
    for (var artifact : index) {
      Path blobs = signatures.resolve("blobs");
      var layer =
          JSON.readTree(blobs.resolve(path(artifact.path("digest").asText())).toFile())
              .path("layers")
              .path(0);
      assertThat(layer.path("mediaType").asText())
          .isEqualTo("application/vnd.dev.cosign.simplesigning.v1+json");
      Files.write(
          signature,
          Base64.getDecoder()
              .decode(
                  layer.path("annotations").path("dev.cosignproject.cosign/signature").asText()));
      Path payload = blobs.resolve(path(layer.path("digest").asText()));
      assertThat(judge(signature, payload)).contains("Verified OK");
      var critical = JSON.readTree(payload.toFile()).path("critical");
      assertThat(critical.path("type").asText()).isEqualTo("cosign container image signature");
      String tag = artifact.path("annotations").path(SignedLayout.TAG).asText();
      assertThat(tag)
          .isEqualTo(
              critical.path("image").path("docker-manifest-digest").asText().replace(':', '-')
                  + ".sig");
    }
  }

  @Test
  void signedAgainWithEitherFormOfTheKeyItIsTheSameBytes() throws Exception {
    Path again = archive("again.tar", key("pkcs8"));

    assertThat(again).hasSameBinaryContentAs(archive);
    assertThat(ImagesCommand.signatureOf(again))
        .hasSameTextualContentAs(ImagesCommand.signatureOf(archive));
  }

  @Test
  @Tag("attack")
  void oneChangedByteInAnyPartIsRefusedByThePartsName() throws Exception {
    Map<String, Long> parts = parts();
    assertThat(parts).hasSize(22);

    for (Map.Entry<String, Long> part : parts.entrySet()) {
      flip(archive, part.getValue());
      assertThat(verify("cosign"))
          .as(part.getKey())
          .startsWith("1 ")
          .contains("refused: " + part.getKey().replace(".sig", "") + ": ")
          .contains("sluice-images.tar: ");
      flip(archive, part.getValue());
    }
    assertThat(verify("cosign")).startsWith("0 ");

    Attack.tried("one byte of an image archive changed, in each of its files")
        .refusedBy("./sluice images --verify: exit code 1, the file named")
        .countedAs("\"images: refused: FILE: ...\"");
  }

  @Test
  @Tag("attack")
  void anArchiveOfSomebodyElsesKeyIsRefused() throws Exception {
    assertThat(verify("other"))
        .startsWith("1 ")
        .contains("is not the signature of these bytes by this key")
        .contains("the signature of localhost/sluice/sluice-node:1 is not by this key");

    Files.delete(ImagesCommand.signatureOf(archive));
    assertThat(verify("cosign")).startsWith("1 ").contains("not signed, there is no ");

    Attack.tried("an image archive signed by another key, and one without a signature")
        .refusedBy("./sluice images --verify: exit code 1")
        .countedAs("\"images: refused: ... is not the signature of these bytes by this key\"");
  }

  @Test
  @Tag("attack")
  void whatDockerWouldLoadHasToBeWhatIsSigned() throws Exception {
    Path layout = directory.resolve("layout");
    Files.writeString(
        layout.resolve("manifest.json"),
        Files.readString(layout.resolve("manifest.json")).replace("sluice-node:1", "other:1"));
    Files.writeString(layout.resolve("blobs/sha256/stowaway"), "x");
    pack(layout, archive);
    ImagesCommand.run(
        List.of("sign-archive", archive.toString(), key("cosign")), System.out, System.err);

    assertThat(verify("cosign"))
        .startsWith("1 ")
        .contains("manifest.json: `docker load` would take something else")
        .contains("blobs/sha256/stowaway: was not there when the archive was signed");

    Attack.tried("manifest.json of an archive names another image than the signed one")
        .refusedBy("./sluice images --verify: exit code 1, manifest.json named")
        .countedAs("\"images: refused: manifest.json: `docker load` would take something else\"");
  }

  @Test
  void aKeyThatCosignWouldNotTakeIsRefusedWithWhatToDo() {
    assertThat(run("sign", directory.resolve("layout").toString(), key("p384")))
        .startsWith("2 ")
        .contains("no plain ECDSA key on P-256", "openssl ecparam");
    assertThat(verify("../cosign.key")).startsWith("2 ");
  }

  /** Two images of two layers each, with bills, signed by the key and packed. */
  private Path archive(String name, String key) throws Exception {
    Path layout = directory.resolve("layout");
    exec("rm", "-rf", layout.toString());
    Path blobs = Files.createDirectories(layout.resolve("blobs/sha256"));
    Files.createDirectories(layout.resolve("sbom"));
    ObjectNode index = JSON.createObjectNode().put("schemaVersion", 2);
    ArrayNode docker = JSON.createArrayNode();
    for (String image : NAMES) {
      String reference = "localhost/sluice/" + image + ":1";
      ObjectNode manifest = JSON.createObjectNode().put("schemaVersion", 2);
      manifest.set("config", blob(blobs, "{\"of\":\"" + image + "\"}"));
      ObjectNode loaded = docker.addObject();
      loaded.put("Config", "blobs/" + path(manifest.path("config").path("digest").asText()));
      loaded.putArray("RepoTags").add(reference);
      ArrayNode layers = loaded.putArray("Layers");
      for (String layer : List.of("shared layer", "layer of " + image)) {
        manifest.withArray("layers").add(blob(blobs, layer));
      }
      manifest
          .path("layers")
          .forEach(layer -> layers.add("blobs/" + path(layer.path("digest").asText())));
      ObjectNode descriptor = blob(blobs, manifest.toString());
      descriptor.putObject("annotations").put(SignedLayout.IMAGE_NAME, reference);
      index.withArray("manifests").add(descriptor);
      Files.writeString(
          layout.resolve(SignedLayout.billOf(reference)), "{\"components\":[{\"name\":\"x\"}]}");
    }
    Files.writeString(layout.resolve("index.json"), index.toString());
    Files.writeString(layout.resolve("manifest.json"), docker.toString());
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    assertThat(run("sign", layout.toString(), key)).startsWith("0 ");
    Path archive = directory.resolve(name);
    pack(layout, archive);
    assertThat(run("sign-archive", archive.toString(), key)).startsWith("0 ");
    return archive;
  }

  private static void pack(Path layout, Path archive) throws Exception {
    exec(
        "tar",
        "--create",
        "--format=gnu",
        "--sort=name",
        "--mtime=@0",
        "--directory=" + layout,
        "--file=" + archive,
        ".");
  }

  private static ObjectNode blob(Path blobs, String content) throws IOException {
    String digest = Digests.hex(Digests.sha256(content.getBytes(UTF_8)));
    Files.writeString(blobs.resolve(digest), content);
    return JSON.createObjectNode().put("digest", "sha256:" + digest).put("size", content.length());
  }

  private static String path(String digest) {
    return digest.replace(':', '/');
  }

  /** Where in the archive each file's middle byte stands. */
  private Map<String, Long> parts() throws IOException {
    byte[] bytes = Files.readAllBytes(archive);
    Map<String, Long> parts = new TreeMap<>();
    for (int at = 0; at < bytes.length && bytes[at] != 0; ) {
      String name = new String(bytes, at, 100, UTF_8).replace("\0", "").substring(2);
      int size = Integer.parseInt(new String(bytes, at + 124, 11, UTF_8), 8);
      if (size > 0) {
        parts.put(name, at + BLOCK + size / 2L);
      }
      at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
    return parts;
  }

  private static void flip(Path file, long at) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(at);
      int old = bytes.read();
      bytes.seek(at);
      bytes.write(old ^ 1);
    }
  }

  private String verify(String key) {
    return run("verify", publicKey(key), archive.toString());
  }

  /** Exit code and what was printed. */
  private static String run(String... args) {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(printed, true, UTF_8);
    int code = ImagesCommand.run(List.of(args), stream, stream);
    return code + " " + printed.toString(UTF_8);
  }

  private static String key(String name) {
    return keys.resolve(name + ".key").toString();
  }

  private static String publicKey(String name) {
    return keys.resolve(name + ".pub").toString();
  }

  private static String judge(Path signature, Path signed) throws Exception {
    return openssl(
        "dgst",
        "-sha256",
        "-verify",
        publicKey("cosign"),
        "-signature",
        signature.toString(),
        signed.toString());
  }

  private static String openssl(String... args) throws Exception {
    String[] command = new String[args.length + 1];
    command[0] = "openssl";
    System.arraycopy(args, 0, command, 1, args.length);
    return exec(command);
  }

  private static String exec(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(String.join(" ", command) + ": " + printed).isZero();
    return printed;
  }
}
