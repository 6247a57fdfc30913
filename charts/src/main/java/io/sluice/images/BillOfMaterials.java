package io.sluice.images;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;

/**
 * What one image holds, as CycloneDX 1.6: of the bill that Maven's plugin makes for the whole
 * program the jars of this image, then the packages of Debian and the Java runtime. The same
 * content gives the same bytes. For one thread.
 */
final class BillOfMaterials {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OURS = "io.sluice";

  /** Columns of a line about a package. */
  private static final int PACKAGE_FACTS = 6;

  private final JsonNode program;
  private final ObjectNode bill = JSON.createObjectNode();
  private final List<JsonNode> components = new ArrayList<>();
  private final Map<String, JsonNode> byDigest = new LinkedHashMap<>();

  /**
   * @param program the plugin's bill
   * @param image its name, without a registry
   */
  BillOfMaterials(Path program, String image, String architecture, String version)
      throws IOException {
    this.program = JSON.readTree(program.toFile());
    for (JsonNode component : this.program.path("components")) {
      for (JsonNode hash : component.path("hashes")) {
        if (hash.path("alg").asText().equals("SHA-256")) {
          byDigest.put(hash.path("content").asText(), component);
        }
      }
    }
    bill.put("bomFormat", "CycloneDX").put("specVersion", "1.6").put("version", 1);
    ObjectNode subject = bill.putObject("metadata").putObject("component");
    subject.put("type", "container").put("bom-ref", image).put("name", image);
    subject.put("version", version);
    subject
        .putArray("properties")
        .addObject()
        .put("name", "sluice.io/architecture")
        .put("value", architecture);
  }

  /**
   * @param time as in RFC 3339; that of the image
   */
  BillOfMaterials madeAt(String time) {
    ((ObjectNode) bill.path("metadata")).put("timestamp", time);
    return this;
  }

  /**
   * The runtime.
   *
   * @param release the file of this name in a JDK
   */
  BillOfMaterials withJavaRuntime(Path release) throws IOException {
    Properties facts = new Properties();
    try (var reader = Files.newBufferedReader(release)) {
      facts.load(reader);
    }
    String version = fact(facts, "JAVA_VERSION", "");
    String full = fact(facts, "JAVA_RUNTIME_VERSION", version);
    ObjectNode runtime =
        component("platform", "openjdk", full, "pkg:generic/openjdk@" + encoded(full));
    runtime.put("publisher", fact(facts, "IMPLEMENTOR", "OpenJDK"));
    runtime.put("cpe", "cpe:2.3:a:oracle:openjdk:" + version + ":*:*:*:*:*:*:*");
    components.add(runtime);
    return this;
  }

  /**
   * Packages of Debian.
   *
   * @param facts a line for each: package, version, architecture, source package, its version,
   *     SHA-256 of the file
   */
  BillOfMaterials withPackages(Path facts) throws IOException {
    for (String line : Files.readAllLines(facts)) {
      String[] words = line.split(" ", -1);
      if (words.length != PACKAGE_FACTS) {
        throw new IllegalArgumentException(facts + ": no package: " + line);
      }
      String source = words[3] + (words[4].equals(words[1]) ? "" : "@" + words[4]);
      String purl =
          "pkg:deb/debian/%s@%s?arch=%s&distro=debian-13&upstream=%s"
              .formatted(encoded(words[0]), encoded(words[1]), words[2], encoded(source));
      ObjectNode component = component("library", words[0], words[1], purl);
      component.putArray("hashes").addObject().put("alg", "SHA-256").put("content", words[5]);
      components.add(component);
    }
    return this;
  }

  /**
   * A jar of the image, found in the plugin's bill by its bytes; ours, which the plugin has not
   * seen, by their names.
   *
   * @throws IllegalArgumentException when the plugin does not know it
   */
  void withJar(Path jar) throws IOException {
    String digest = Digests.hex(Digests.sha256(jar));
    JsonNode known = byDigest.get(digest);
    if (known == null || known.path("group").asText().equals(OURS)) {
      ObjectNode ours = ours(String.valueOf(jar.getFileName()));
      ours.putArray("hashes").addObject().put("alg", "SHA-256").put("content", digest);
      known = ours;
    }
    components.add(known);
  }

  /** The bill as it stands. */
  String json() {
    bill.putArray("components").addAll(components);
    Set<String> here = new HashSet<>();
    components.forEach(component -> here.add(component.path("bom-ref").asText()));
    var dependencies = bill.putArray("dependencies");
    for (JsonNode dependency : program.path("dependencies")) {
      if (here.contains(dependency.path("ref").asText())) {
        ObjectNode of = dependencies.addObject().put("ref", dependency.path("ref").asText());
        var on = of.putArray("dependsOn");
        dependency
            .path("dependsOn")
            .forEach(ref -> {
              if (here.contains(ref.asText())) {
                on.add(ref);
              }
            });
      }
    }
    return bill.toPrettyString() + "\n";
  }

  private ObjectNode ours(String file) {
    List<JsonNode> candidates = new ArrayList<>();
    program.path("components").forEach(candidates::add);
    candidates.add(program.path("metadata").path("component"));
    return candidates.stream()
        .filter(component ->
            component.path("group").asText().equals(OURS)
                && file.equals(
                    component.path("name").asText()
                        + "-"
                        + component.path("version").asText()
                        + ".jar"))
        .findFirst()
        .<ObjectNode>map(JsonNode::deepCopy)
        .orElseThrow(() -> new IllegalArgumentException("Maven's bill does not know " + file));
  }

  private static ObjectNode component(String type, String name, String version, String purl) {
    return JSON.createObjectNode()
        .put("type", type)
        .put("bom-ref", purl)
        .put("name", name)
        .put("version", version)
        .put("purl", purl);
  }

  private static String fact(Properties facts, String key, String otherwise) {
    return facts.getProperty(key, otherwise).replace("\"", "");
  }

  /** As package URLs have it: colons stand, plus signs do not. */
  private static String encoded(String part) {
    return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("%3A", ":");
  }
}
