package io.sluice.cni.install;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.Sha256;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Our network configuration list: the primary's, with our plugin as the last of its chain. A pure
 * function of the primary's content, so the same primary always gives the same bytes.
 */
final class ChainedConflist {
  /** The name of our file: before every other that is in use, {@code 00-multus.conf} included. */
  static final String FILE = "00-00-sluice.conflist";

  /** What the CNI client reads at most, and far more than a configuration has. */
  static final int LARGEST_BYTES = 1 << 20;

  private static final Pattern VERSION = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})");

  /** Since then a plugin of a chain gets the result of those before it as {@code prevResult}. */
  private static final int[] OLDEST_CHAINED = {0, 3, 0};

  /** What the client says it supports: a runtime that checks would leave our list out. */
  private static final int[] NEWEST_KNOWN = {1, 1, 0};

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
          .build();

  private ChainedConflist() {}

  /**
   * Our list.
   *
   * @param file the name of the primary's file; its suffix tells whether it holds a list
   * @throws InvalidPrimaryException naming file and reason; then there is no list to be made
   */
  static byte[] render(String file, byte[] primary, PluginEntry entry)
      throws InvalidPrimaryException {
    ObjectNode list = parse(file, primary);
    requireName(file, list);
    requireVersion(file, list);
    ArrayNode plugins = plugins(file, list);
    ObjectNode ours = JsonNodeFactory.instance.objectNode();
    ours.put("type", PluginEntry.TYPE);
    ours.put("socket", entry.socket().toString());
    ours.put("membership", entry.membership().toString());
    ours.put("timeoutSeconds", entry.timeout().toSeconds());
    ours.put("source", file);
    ours.put("sourceSha256", Sha256.hex(primary));
    plugins.add(ours);
    byte[] rendered = write(file, list);
    if (rendered.length > LARGEST_BYTES) {
      throw new InvalidPrimaryException(
          file, "with our plugin has more than " + LARGEST_BYTES + " bytes");
    }
    return rendered;
  }

  /** Whether a list says that it is complete, so that no plugins are added from a directory. */
  static boolean isClosed(byte[] list) {
    try {
      return JSON.readTree(list).path("loadOnlyInlinedPlugins").asBoolean(false);
    } catch (IOException e) {
      return false;
    }
  }

  /** The name of the network in a configuration, when it can be read. */
  static Optional<String> networkOf(byte[] content) {
    try {
      return Optional.ofNullable(JSON.readTree(content).path("name").textValue());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The list in the file; a single plugin becomes a list of one, as libcni does it. */
  private static ObjectNode parse(String file, byte[] primary) throws InvalidPrimaryException {
    if (primary.length > LARGEST_BYTES) {
      throw new InvalidPrimaryException(file, "has more than " + LARGEST_BYTES + " bytes");
    }
    JsonNode document;
    try {
      document = JSON.readTree(primary);
    } catch (JacksonException e) {
      var at = e.getLocation();
      String line = at == null ? "" : " in line " + at.getLineNr();
      throw new InvalidPrimaryException(file, "is no JSON" + line + ": " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new InvalidPrimaryException(file, "is no text: " + e.getMessage());
    }
    if (!(document instanceof ObjectNode object)) {
      throw new InvalidPrimaryException(
          file, primary.length == 0 ? "is empty" : "is no JSON object");
    }
    if (file.endsWith(".conflist")) {
      return object;
    }
    if (object.has("plugins")) {
      throw new InvalidPrimaryException(
          file, "holds a list of plugins: container runtimes want it to be named .conflist");
    }
    ObjectNode list = JsonNodeFactory.instance.objectNode();
    for (String member : new String[] {"cniVersion", "cniVersions", "name"}) {
      if (object.has(member)) {
        list.set(member, object.get(member));
      }
    }
    list.putArray("plugins").add(object);
    return list;
  }

  private static void requireName(String file, ObjectNode list) throws InvalidPrimaryException {
    String name = list.path("name").textValue();
    if (name == null || name.isEmpty()) {
      throw new InvalidPrimaryException(file, "gives its network no name");
    }
  }

  private static void requireVersion(String file, ObjectNode list) throws InvalidPrimaryException {
    int[] highest = null;
    if (list.has("cniVersion")) {
      highest = version(file, list.get("cniVersion"));
    }
    for (JsonNode each : list.path("cniVersions")) {
      int[] version = version(file, each);
      // A runtime takes the highest that it knows itself, so newer ones in the list do no harm.
      if (Arrays.compare(version, NEWEST_KNOWN) <= 0
          && (highest == null || Arrays.compare(version, highest) > 0)) {
        highest = version;
      }
    }
    String text = highest == null ? "none" : highest[0] + "." + highest[1] + "." + highest[2];
    if (highest == null || Arrays.compare(highest, OLDEST_CHAINED) < 0) {
      throw new InvalidPrimaryException(
          file,
          "has cniVersion "
              + text
              + ": plugins can be chained since 0.3.0 only (prevResult); set cniVersion to 0.3.1 or "
              + "later");
    }
    if (Arrays.compare(highest, NEWEST_KNOWN) > 0) {
      throw new InvalidPrimaryException(
          file,
          "has cniVersion "
              + text
              + ", and 1.1.0 is the newest that "
              + PluginEntry.TYPE
              + " knows");
    }
  }

  private static int[] version(String file, JsonNode node) throws InvalidPrimaryException {
    Matcher matcher = VERSION.matcher(node.asText());
    if (!node.isTextual() || !matcher.matches()) {
      throw new InvalidPrimaryException(file, "has cniVersion " + node + ", which is none");
    }
    return new int[] {
      Integer.parseInt(matcher.group(1)),
      Integer.parseInt(matcher.group(2)),
      Integer.parseInt(matcher.group(3))
    };
  }

  /** The primary's plugins without any of ours that somebody put there. */
  private static ArrayNode plugins(String file, ObjectNode list) throws InvalidPrimaryException {
    if (!(list.get("plugins") instanceof ArrayNode plugins)) {
      throw new InvalidPrimaryException(file, "has no list of plugins");
    }
    for (int i = plugins.size() - 1; i >= 0; i--) {
      JsonNode plugin = plugins.get(i);
      if (isOurs(plugin)) {
        plugins.remove(i);
      } else if (plugin.path("type").asText("").isEmpty()) {
        throw new InvalidPrimaryException(file, "has a plugin without a type, number " + (i + 1));
      } else if (plugin.findValues("type").stream().anyMatch(ChainedConflist::isOurType)
          || namesOurFile(plugin)) {
        throw new InvalidPrimaryException(
            file,
            "was made from ours: its plugin "
                + plugin.path("type").asText()
                + " delegates to our plugin or names "
                + FILE
                + ", and making ours from it in turn would never end; name the primary "
                + "configuration to it explicitly (Multus: --multus-master-cni-file-name)");
      }
    }
    if (plugins.isEmpty()) {
      throw new InvalidPrimaryException(file, "has no plugins");
    }
    return plugins;
  }

  /** Multus names the network it delegates to, or where it waits for it, by path. */
  private static boolean namesOurFile(JsonNode node) {
    if (node.isTextual()) {
      return node.textValue().endsWith(FILE);
    }
    for (JsonNode child : node) {
      if (namesOurFile(child)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOurs(JsonNode plugin) {
    return isOurType(plugin.path("type"));
  }

  private static boolean isOurType(JsonNode type) {
    return PluginEntry.TYPE.equals(type.textValue());
  }

  private static byte[] write(String file, ObjectNode list) throws InvalidPrimaryException {
    try {
      byte[] text = JSON.writeValueAsBytes(list);
      byte[] line = Arrays.copyOf(text, text.length + 1);
      line[text.length] = '\n';
      return line;
    } catch (JacksonException e) {
      throw new InvalidPrimaryException(file, "cannot be written: " + e.getOriginalMessage());
    }
  }
}
