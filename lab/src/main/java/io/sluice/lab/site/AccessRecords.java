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
 * The access log of one daemon. It is asked again and again: lines of requests are read once, and
 * of connections only those are parsed that name the client. Any thread.
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
    return lines(linesFrom(file, 0)).map(AccessRecords::parse).toList();
  }

  /** Of requests alone. */
  synchronized List<RequestLine> requests() {
    Object present = identity(file);
    Path before = file.resolveSibling(file.getFileName() + ".1");
    if (!present.equals(identity) && Files.exists(before) && identity(before).equals(identity)) {
      read(before); // the log was rotated meanwhile
      known = 0;
    } else if (!present.equals(identity) || known > file.toFile().length()) { // begun anew
      known = 0;
      requests.clear();
    }
    identity = present;
    read(file);
    return List.copyOf(requests);
  }

  private void read(Path log) {
    byte[] more = linesFrom(log, known);
    known += more.length;
    lines(more)
        .map(AccessRecords::parse)
        .map(RequestLine::of)
        .flatMap(Optional::stream)
        .forEach(requests::add);
  }

  private static Object identity(Path log) {
    try {
      return Files.readAttributes(log, BasicFileAttributes.class).fileKey();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }

  /**
   * The first whose {@code field} is {@code value}, of a connection of {@code client}.
   *
   * @param begun when that connection was not there yet: its port may have been another's before
   */
  Optional<JsonNode> first(String field, String value, InetSocketAddress client, Instant begun) {
    String text = IpAddresses.text(client);
    return lines(linesFrom(file, 0))
        .filter(line -> line.contains(text))
        .map(AccessRecords::parse)
        .filter(record -> record.path(field).asText().equals(value))
        .filter(record -> record.path("client").asText().equals(text))
        .filter(record -> !Instant.parse(record.path("time").asText()).isBefore(begun))
        .findFirst();
  }

  /** Whole lines: the last one may be half written. */
  private static byte[] linesFrom(Path log, long offset) {
    try (RandomAccessFile open = new RandomAccessFile(log.toFile(), "r")) {
      open.seek(offset);
      byte[] bytes = new byte[Math.toIntExact(open.length() - offset)];
      open.readFully(bytes);
      int end = bytes.length;
      while (end > 0 && bytes[end - 1] != '\n') {
        end--;
      }
      return Arrays.copyOf(bytes, end);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
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
