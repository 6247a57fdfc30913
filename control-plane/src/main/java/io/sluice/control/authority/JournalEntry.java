package io.sluice.control.authority;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/**
 * One certificate that was handed out.
 *
 * @param identity as text, because trust domains and forms outlive settings
 * @param issuer subject of the certificate that signed it
 */
public record JournalEntry(
    Instant issuedAt,
    BigInteger serial,
    String identity,
    Instant notAfter,
    String requester,
    String issuer) {
  /** The entry for {@code issued}. */
  public static JournalEntry of(Instant issuedAt, IssuedCertificate issued, String requester) {
    return new JournalEntry(
        issuedAt,
        issued.serial(),
        issued.identity().toString(),
        issued.notAfter(),
        requester,
        issued.leaf().getIssuerX500Principal().getName());
  }

  /** One entry as one line of JSON; serials in lower-case hexadecimal, times in ISO 8601 UTC. */
  static final class EntryFormat {
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
}
