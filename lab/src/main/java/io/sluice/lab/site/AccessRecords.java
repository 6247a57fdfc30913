package io.sluice.lab.site;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The access log of one daemon. It is asked again and again, so little is read twice. Any thread.
 */
final class AccessRecords {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final List<RequestLine> requests = new ArrayList<>();
  private Object identity = "none yet";
  private long known;

  AccessRecords(Path file) {
    this.file = file;
  }

  /** All so far. */
  List<JsonNode> all() {
    return lines(linesFrom(0)).map(AccessRecords::parse).toList();
  }

  /** Of requests alone. */
  synchronized List<RequestLine> requests() {
    Object present = identity();
    if (!present.equals(identity) || known > file.toFile().length()) { // begun anew
      identity = present;
      known = 0;
      requests.clear();
    }
    byte[] more = linesFrom(known);
    known += more.length;
    lines(more)
        .map(AccessRecords::parse)
        .map(RequestLine::of)
        .flatMap(Optional::stream)
        .forEach(requests::add);
    return List.copyOf(requests);
  }

  private Object identity() {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /**
   * The first whose {@code field} is {@code value}, of a connection of {@code client}.
   *
   * @param begun when that connection was not there yet: its port may have been another's before
   */
  Optional<JsonNode> first(String field, String value, InetSocketAddress client, Instant begun) {
    String text = IpAddresses.text(client);
    return lines(linesFrom(0))
        .filter(line -> line.contains(text))
        .map(AccessRecords::parse)
        .filter(record -> record.path(field).asText().equals(value))
        .filter(record -> record.path("client").asText().equals(text))
        .filter(record -> !Instant.parse(record.path("time").asText()).isBefore(begun))
        .findFirst();
  }

  /** Whole lines: the last one may be half written. */
  private byte[] linesFrom(long offset) {
    try (RandomAccessFile log = new RandomAccessFile(file.toFile(), "r")) {
      log.seek(offset);
      byte[] bytes = new byte[Math.toIntExact(log.length() - offset)];
      log.readFully(bytes);
      int end = bytes.length;
      while (end > 0 && bytes[end - 1] != '\n') {
        end--;
      }
      return Arrays.copyOf(bytes, end);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static Stream<String> lines(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8).lines();
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("the access log has a line that is not JSON: " + line, e);
    }
  }
}
