package io.sluice.control.authority;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads what a journal has written. */
public final class JournalReader {
  private JournalReader() {}

  /** The entry of a certificate; lines that a power cut has torn are passed over. */
  public static Optional<JournalEntry> find(Path directory, BigInteger serial) throws IOException {
    try (Stream<Path> parts = Files.list(directory)) {
      for (Path part : parts.toList()) {
        for (String line : Files.readAllLines(part)) {
          List<JournalEntry> found =
              line.contains('"' + serial.toString(16) + '"') ? parsed(line) : List.of();
          if (!found.isEmpty()) {
            return Optional.of(found.getFirst());
          }
        }
      }
    }
    return Optional.empty();
  }

  private static List<JournalEntry> parsed(String line) {
    try {
      JsonNode node = new ObjectMapper().readTree(line);
      return List.of(
          new JournalEntry(
              Instant.parse(node.path("issuedAt").asText()),
              new BigInteger(node.path("serial").asText(), 16),
              node.path("identity").asText(),
              Instant.parse(node.path("notAfter").asText()),
              node.path("requester").asText(),
              node.path("issuer").asText()));
    } catch (JsonProcessingException e) {
      return List.of();
    }
  }
}
