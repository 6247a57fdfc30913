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

  /** Of the first line, its time among them; shorter than any line. */
  private static final int HEAD_BYTES = 128;

  private final Path file;
  private final List<RequestLine> requests = new ArrayList<>();
  private byte[] head = {};
  private long known;

  AccessRecords(Path file) {
    this.file = file;
  }

  /** All so far. */
  List<JsonNode> all() {
    return lines(whole()).map(AccessRecords::parse).toList();
  }

  /**
   * Of requests alone, those before a rotation too. A log is known by its first line: the number of
   * a file is given to a later one.
   */
  synchronized List<RequestLine> requests() {
    try (RandomAccessFile present = new RandomAccessFile(file.toFile(), "r")) {
      byte[] first = first(present);
      if (first.length == 0) {
        return List.copyOf(requests);
      }
      if (!Arrays.equals(first, head)) {
        readPredecessor();
        head = first;
        known = 0;
      }
      read(present);
      return List.copyOf(requests);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** What was not read of it before it was rotated; where there is none, the log was begun anew. */
  private void readPredecessor() throws IOException {
    Path before = file.resolveSibling(file.getFileName() + ".1");
    if (!Files.exists(before)) {
      requests.clear();
      return;
    }
    try (RandomAccessFile rotated = new RandomAccessFile(before.toFile(), "r")) {
      known = Arrays.equals(first(rotated), head) ? known : 0;
      read(rotated);
    }
  }

  private void read(RandomAccessFile log) throws IOException {
    byte[] more = linesFrom(log, known);
    known += more.length;
    lines(more)
        .map(AccessRecords::parse)
        .map(RequestLine::of)
        .flatMap(Optional::stream)
        .forEach(requests::add);
  }

  /** The beginning of its first line, which says when that was; empty until there is one. */
  private static byte[] first(RandomAccessFile log) throws IOException {
    byte[] start = new byte[(int) Math.min(log.length(), HEAD_BYTES)];
    log.seek(0);
    log.readFully(start);
    return start.length < HEAD_BYTES ? new byte[0] : start;
  }

  /**
   * The first whose {@code field} is {@code value}, of a connection of {@code client}.
   *
   * @param begun when that connection was not there yet: its port may have been another's before
   */
  Optional<JsonNode> first(String field, String value, InetSocketAddress client, Instant begun) {
    String text = IpAddresses.text(client);
    return lines(whole())
        .filter(line -> line.contains(text))
        .map(AccessRecords::parse)
        .filter(record -> record.path(field).asText().equals(value))
        .filter(record -> record.path("client").asText().equals(text))
        .filter(record -> !Instant.parse(record.path("time").asText()).isBefore(begun))
        .findFirst();
  }

  private byte[] whole() {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
      return linesFrom(open, 0);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** Whole lines: the last one may be half written. */
  private static byte[] linesFrom(RandomAccessFile log, long offset) throws IOException {
    log.seek(offset);
    byte[] bytes = new byte[Math.toIntExact(log.length() - offset)];
    log.readFully(bytes);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n') {
      end--;
    }
    return Arrays.copyOf(bytes, end);
  }

  private static UncheckedIOException unreadable(Path log, IOException e) {
    return new UncheckedIOException("cannot read " + log, e);
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
