package io.sluice.node.flows;

import io.sluice.node.flows.RecordedFlow.Entry;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Segments of records in a directory that only the daemon's user can read; the oldest go where all
 * of them would take more than their room, or are older than a week. For one thread; {@link #read}
 * for any.
 */
final class FlowFiles {
  private static final String SUFFIX = ".flows";
  private static final Duration KEPT = Duration.ofDays(7);

  /** Beside the segments: a line for each hour in which flows were left out. */
  private static final String LEFT_OUT = "left-out";

  /** Of that file and the next one, more than a week has hours for. */
  static final int LEFT_OUT_BYTES = 16 << 10;

  private final Path directory;
  private final long maxBytes;
  private final long segmentBytes;
  private @Nullable Path whole; // to which this has written, or which it has read

  /**
   * Writes nothing yet.
   *
   * @param maxBytes of all segments together
   */
  FlowFiles(Path directory, long maxBytes) {
    this.directory = directory;
    this.maxBytes = maxBytes;
    this.segmentBytes = maxBytes / 16;
  }

  /** Appends one batch in one write, with room made for it before. */
  void append(byte[] batch, Instant now) throws IOException {
    makeDirectory();
    List<Path> segments = segments(directory);
    Path last = segments.isEmpty() ? null : segments.getLast();
    boolean begins = last == null || !takes(last, batch.length);
    Path segment = begins || last == null ? directory.resolve(next(last)) : last;
    makeRoom(segments, segment, batch.length, now);
    long before = begins ? 0 : Files.size(segment);
    if (begins) {
      Files.createFile(
          segment,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    try (FileOutputStream out = new FileOutputStream(segment.toFile(), true)) {
      if (begins) {
        out.write(FlowFormat.header());
      }
      out.write(batch);
      whole = segment;
    } catch (IOException e) {
      whole = null;
      shorten(segment, before); // a half record would hide those behind it
      throw e;
    }
  }

  private void makeDirectory() throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  private static void shorten(Path segment, long size) throws IOException {
    if (size == 0) {
      Files.deleteIfExists(segment);
      return;
    }
    try (FileChannel channel = FileChannel.open(segment, StandardOpenOption.WRITE)) {
      channel.truncate(size);
    }
  }

  private boolean takes(Path segment, int bytes) throws IOException {
    return Files.size(segment) + bytes <= segmentBytes
        && (segment.equals(whole) || isWhole(segment));
  }

  /** What a power cut left half is kept as it is, and another one begun. */
  private static boolean isWhole(Path segment) throws IOException {
    byte[] bytes = Files.readAllBytes(segment);
    return bytes.length > 0 && FlowFormat.read(bytes, entry -> {}) == bytes.length;
  }

  private void makeRoom(List<Path> segments, Path current, long bytes, Instant now)
      throws IOException {
    long total = bytes + FlowFormat.header().length;
    for (Path segment : segments) {
      total += Files.size(segment);
    }
    for (Path segment : segments) {
      boolean isOld = Files.getLastModifiedTime(segment).toInstant().isBefore(now.minus(KEPT));
      if (!segment.equals(current) && (total > maxBytes || isOld)) {
        total -= Files.size(segment);
        Files.delete(segment);
      }
    }
  }

  /** Bytes of what was written to since {@code since}. */
  static long bytesSince(Path directory, Instant since) throws IOException {
    long bytes = 0;
    for (Path segment : segments(directory)) {
      if (!Files.getLastModifiedTime(segment).toInstant().isBefore(since)) {
        bytes += Files.size(segment);
      }
    }
    return bytes;
  }

  /** Adds to what was left out in the hour of {@code now}; that of a week is kept. */
  void addLeftOut(Instant now, long count) throws IOException {
    makeDirectory();
    SortedMap<Instant, Long> hours = leftOut(directory, now.minus(KEPT));
    hours.merge(now.truncatedTo(ChronoUnit.HOURS), count, Long::sum);
    List<String> lines = new ArrayList<>();
    hours.forEach((hour, number) -> lines.add(hour + " " + number));
    Path next = directory.resolve(LEFT_OUT + ".next");
    Files.write(next, lines);
    Files.move(next, directory.resolve(LEFT_OUT), StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * What was left out by hour, of those that end after {@code since}; lines that are torn are none.
   */
  static SortedMap<Instant, Long> leftOut(Path directory, Instant since) throws IOException {
    SortedMap<Instant, Long> hours = new TreeMap<>();
    List<String> lines;
    try {
      lines = Files.readAllLines(directory.resolve(LEFT_OUT), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return hours;
    }
    for (String line : lines) {
      String[] words = line.split(" ", -1);
      try {
        Instant hour = Instant.parse(words[0]);
        if (words.length == 2 && hour.plus(1, ChronoUnit.HOURS).isAfter(since)) {
          hours.put(hour, Long.parseLong(words[1]));
        }
      } catch (DateTimeParseException | NumberFormatException e) {
        continue;
      }
    }
    return hours;
  }

  /**
   * Tells every whole record that was last seen at {@code since} or later, oldest first.
   *
   * @return a sentence for each file, written to since then, that is not whole
   */
  static List<String> read(Path directory, Instant since, Consumer<Entry> to) throws IOException {
    List<String> damages = new ArrayList<>();
    for (Path segment : segments(directory)) {
      try {
        byte[] bytes = Files.readAllBytes(segment);
        int whole =
            FlowFormat.read(
                bytes,
                entry -> {
                  if (!entry.seen().last().isBefore(since)) {
                    to.accept(entry);
                  }
                });
        if (whole < bytes.length
            && !Files.getLastModifiedTime(segment).toInstant().isBefore(since)) {
          damages.add(
              "%s cannot be read from byte %d of %d on: what it records behind is missing here"
                  .formatted(segment, whole, bytes.length));
        }
      } catch (NoSuchFileException e) {
        continue; // its room was needed meanwhile
      }
    }
    return damages;
  }

  private static List<Path> segments(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return new ArrayList<>(
          all.filter(file -> file.getFileName().toString().endsWith(SUFFIX))
              .sorted(Comparator.comparing(file -> file.getFileName().toString()))
              .toList());
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static String next(@Nullable Path lastOrNull) {
    long number = 0;
    if (lastOrNull != null) {
      String name = lastOrNull.getFileName().toString();
      try {
        number = Long.parseLong(name.substring(0, name.length() - SUFFIX.length())) + 1;
      } catch (NumberFormatException e) {
        return name.substring(0, name.length() - SUFFIX.length()) + "-1" + SUFFIX; // not ours
      }
    }
    return "%012d%s".formatted(number, SUFFIX);
  }
}
