package io.sluice.control.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.authority.DurableFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HexFormat;

/**
 * What is kept of a join token: never its secret, only the secret's SHA-256. The secret has 256
 * random bits, so nothing slower is needed to keep it from being guessed out of its hash.
 */
record JoinTokenFile(String nodeName, String secretSha256, Instant created, Instant expires) {
  static final int LONGEST_BYTES = 4_096;

  private static final ObjectMapper JSON = new ObjectMapper();

  static JoinTokenFile parse(String text, Path file) {
    try {
      JsonNode node = JSON.readTree(text);
      return new JoinTokenFile(
          required(node, "nodeName", file),
          required(node, "secretSha256", file),
          Instant.parse(required(node, "created", file)),
          Instant.parse(required(node, "expires", file)));
    } catch (JsonProcessingException | DateTimeParseException e) {
      throw DurableFiles.damaged(file, "it is not as it was written");
    }
  }

  private static String required(JsonNode node, String member, Path file) {
    String value = node.path(member).asText("");
    if (value.isEmpty()) {
      throw DurableFiles.damaged(file, "it has no " + member);
    }
    return value;
  }

  String json() {
    return JSON.createObjectNode()
            .put("nodeName", nodeName)
            .put("secretSha256", secretSha256)
            .put("created", created.toString())
            .put("expires", expires.toString())
            .toString()
        + "\n";
  }

  /** Whether {@code secret} is the one; takes as long for a near miss as for a far one. */
  boolean isSecret(String secret) {
    return MessageDigest.isEqual(
        secretSha256.getBytes(StandardCharsets.US_ASCII),
        sha256(secret).getBytes(StandardCharsets.US_ASCII));
  }

  static String sha256(String secret) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
