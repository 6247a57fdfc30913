package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The access log of one daemon. */
record AccessRecords(Path file) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** All so far. */
  List<JsonNode> all() {
    List<JsonNode> records = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.endsWith("}")) { // the last line may be half written
          records.add(JSON.readTree(line));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
    return records;
  }

  /** Of requests alone. */
  List<RequestLine> requests() {
    return all().stream().flatMap(line -> RequestLine.of(line).stream()).toList();
  }

  /**
   * The first whose {@code field} is {@code value}, of a connection of {@code client}.
   *
   * @param begun when that connection was not there yet: its port may have been another's before
   */
  Optional<JsonNode> first(String field, String value, InetSocketAddress client, Instant begun) {
    return all().stream()
        .filter(record -> record.path(field).asText().equals(value))
        .filter(record -> record.path("client").asText().equals(IpAddresses.text(client)))
        .filter(record -> !Instant.parse(record.path("time").asText()).isBefore(begun))
        .findFirst();
  }
}
