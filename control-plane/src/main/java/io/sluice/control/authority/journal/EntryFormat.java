package io.sluice.control.authority.journal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/** One entry as one line of JSON; serials in lower-case hexadecimal, times in ISO 8601 UTC. */
final class EntryFormat {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int HEXADECIMAL = 16;

  private EntryFormat() {}

  static String line(JournalEntry entry) {
    ObjectNode node = JSON.createObjectNode();
    node.put("issuedAt", entry.issuedAt().toString());
    node.put("serial", entry.serial().toString(HEXADECIMAL));
    node.put("identity", entry.identity());
    node.put("notAfter", entry.notAfter().toString());
    node.put("requester", entry.requester());
    node.put("issuer", entry.issuer());
    return node + "\n";
  }

  /** What to look for in a line before it is worth parsing. */
  static String serialMember(BigInteger serial) {
    return "\"serial\":\"" + serial.toString(HEXADECIMAL) + "\"";
  }

  /** Empty for a line that is no entry, such as one that a power cut has torn. */
  static Optional<JournalEntry> entry(String line) {
    try {
      JsonNode node = JSON.readTree(line);
      return Optional.of(
          new JournalEntry(
              Instant.parse(text(node, "issuedAt")),
              new BigInteger(text(node, "serial"), HEXADECIMAL),
              text(node, "identity"),
              Instant.parse(text(node, "notAfter")),
              text(node, "requester"),
              text(node, "issuer")));
    } catch (JsonProcessingException | DateTimeException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static String text(JsonNode node, String member) {
    JsonNode value = node.path(member);
    if (!value.isTextual()) {
      throw new IllegalArgumentException(member + " is missing");
    }
    return value.textValue();
  }
}
