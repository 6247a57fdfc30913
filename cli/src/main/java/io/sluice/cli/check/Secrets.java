package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.regex.Pattern;

/** Leaves out of what others are to read whatever may be a secret, and says that it did. */
final class Secrets {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final JsonNode LEFT_OUT = JSON.textNode("[left out]");

  /**
   * Lines of keys in PEM, join tokens, tokens of service accounts, what is called a secret, and
   * what has the form of one that others give out. Anybody may have written the line: each repeat
   * has a bound or gives nothing back, so that the time grows with its length alone.
   */
  private static final Pattern SECRET =
      Pattern.compile(
          "PRIVATE KEY|sluice-join\\.|eyJ[\\w-]{8,512}+\\.[\\w-]"
              + "|^[^A-Za-z0-9+/=]*+[A-Za-z0-9+/=]{40,}+\\W*+$"
              + "|(?i)(authorization|passw|passphrase|pwd|(?<!netns)cookie|api[-_]?key"
              + "|access[-_]?key|private[-_]?key|key-data|secret|token|credential|session[-_]?id)"
              + "[\\w-]{0,64}+[\"']?\\s{0,16}+[:=]"
              + "|(?<![a-z])(pass[\"']?\\s{0,16}+[:=]|auth[\"']?\\s{0,16}+=)"
              + "|(secret|token|password)[\\w-]{0,64}+\\s{1,16}+[\"']"
              + "|\\bpassword\\s{1,16}+\\S|--(token|password|secret)\\s"
              + "|authorization\\W{1,16}+(basic|digest|negotiate)\\s"
              + "|bearer\\s{1,16}+\\S|://[^/\\s@:]{0,256}+:[^/\\s@]{1,512}+@"
              + "|(?-i)\\bgh[pousr]_\\w{20}|AGE-SECRET-KEY-|\\bAKIA[0-9A-Z]{16}"
              + "|\\b[rs]k_(live|test)_\\w|\\bxox[a-z]-\\w");

  private Secrets() {}

  /** Lines with a secret are left out, whatever they are of, and those of a key to its end. */
  static String clean(String text) {
    StringBuilder clean = new StringBuilder();
    boolean inKey = false;
    for (String line : text.lines().toList()) {
      inKey |= line.contains("BEGIN") && line.contains("PRIVATE KEY");
      clean.append(inKey || SECRET.matcher(line).find() ? "[a line left out]" : line).append('\n');
      inKey &= !(line.contains("END") && line.contains("PRIVATE KEY"));
    }
    return clean.toString();
  }

  /**
   * The same of JSON, which stays JSON: of texts that may be secrets by themselves or by their
   * name, and of the values of headers, where people write what only servers should know.
   */
  static JsonNode clean(JsonNode value) {
    return clean("", value, false);
  }

  private static JsonNode clean(String name, JsonNode value, boolean ofHeaders) {
    return switch (value) {
      case ObjectNode object -> {
        ObjectNode clean = JSON.objectNode();
        boolean isHeader = ofHeaders || object.has("name") || object.has("key");
        object
            .properties()
            .forEach(each -> {
              boolean isValue = isHeader && each.getKey().equals("value");
              clean.set(
                  each.getKey(),
                  isValue && each.getValue().isTextual()
                      ? LEFT_OUT
                      : clean(each.getKey(), each.getValue(), isHeaders(each.getKey(), ofHeaders)));
            });
        yield clean;
      }
      case ArrayNode array -> {
        ArrayNode clean = JSON.arrayNode();
        array.forEach(each -> clean.add(clean(name, each, ofHeaders)));
        yield clean;
      }
      default -> isSecret(name, value, ofHeaders) ? LEFT_OUT : value;
    };
  }

  private static boolean isHeaders(String name, boolean ofHeaders) {
    return ofHeaders || name.toLowerCase(Locale.ROOT).endsWith("headers");
  }

  /** That of a Kubernetes Secret is only its name. */
  private static boolean isSecret(String name, JsonNode value, boolean ofHeaders) {
    return value.isTextual()
        && !name.equals("secretName")
        && ((ofHeaders && !name.equals("name"))
            || SECRET.matcher(value.asText()).find()
            || SECRET.matcher(name + ": " + value.asText()).find());
  }
}
