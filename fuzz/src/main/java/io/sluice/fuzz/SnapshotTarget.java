package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import com.google.protobuf.ByteString;
import io.sluice.mesh.Sha256;
import io.sluice.node.store.SnapshotFormat;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.node.store.UnusableSnapshotException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Whatever is in the two files of a snapshot store: each is read as a whole or refused with a
 * reason, what was read can be written and read again, and the store loads the newer usable one.
 *
 * <p>The input is a byte of flags, the length of the first file in two bytes, and two files. By its
 * flags a file is taken as it is, or its resources get their versions and it its length, or its
 * checksum, or both.
 */
public final class SnapshotTarget {
  private static final int RESOURCES = 1;
  private static final int CHECKSUM = 2;
  private static final int BITS_OF_A_FILE = 2;

  // Places in the file that are the same in every format, and those of format 2.
  private static final int SEQUENCE_AT = 16;
  private static final int LENGTH_AT = 40;
  private static final int HEADER_BYTES = 44;

  /** The store logs every fault, which here is every other input. */
  private static final Logger QUIET = Logger.getLogger(SnapshotStore.class.getName());

  private SnapshotTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    WireInput in = new WireInput(input);
    int flags = in.number();
    ByteString first = in.bytes(in.number() << 8 | in.number());
    byte[] a = file(flags, first);
    byte[] b = file(flags >> BITS_OF_A_FILE, in.rest());
    Optional<Stored> newest = newer(a, b);
    QUIET.setLevel(Level.OFF);
    List<String> faults = new ArrayList<>();
    Optional<Stored> loaded = load(a, b, faults);
    require(loaded.isPresent() == newest.isPresent(), "loaded " + loaded + ", not " + newest);
    require(
        loaded.isPresent() || a.length + b.length == 0 || !faults.isEmpty(),
        "nothing was loaded, without a word");
    loaded.ifPresent(stored -> requireSame(stored, newest.orElseThrow()));
  }

  private static byte[] file(int flags, ByteString content) {
    byte[] file = content.toByteArray();
    if ((flags & RESOURCES) != 0 && file.length >= HEADER_BYTES) {
      ByteString payload = payload(content.substring(HEADER_BYTES).toByteArray());
      file = content.substring(0, HEADER_BYTES).concat(payload).toByteArray();
      ByteBuffer.wrap(file).putInt(LENGTH_AT, payload.size());
    }
    return (flags & CHECKSUM) == 0
        ? file
        : ByteString.copyFrom(file).concat(ByteString.copyFrom(Sha256.of(file))).toByteArray();
  }

  private static ByteString payload(byte[] rows) {
    WireInput in = new WireInput(rows);
    ByteString.Output payload = ByteString.newOutput();
    try {
      while (!in.isAtEnd()) {
        in.resource().writeDelimitedTo(payload);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes every message", e);
    }
    return payload.toByteString();
  }

  private static Optional<Stored> newer(byte[] a, byte[] b) {
    Optional<Stored> first = read(a);
    Optional<Stored> second = read(b);
    if (first.isEmpty() || second.isEmpty()) {
      return first.isEmpty() ? second : first;
    }
    return sequence(b) > sequence(a) ? second : first;
  }

  private static long sequence(byte[] file) {
    return ByteBuffer.wrap(file).getLong(SEQUENCE_AT);
  }

  private static Optional<Stored> read(byte[] file) {
    Stored stored;
    try {
      stored = SnapshotFormat.read(file);
    } catch (UnusableSnapshotException e) {
      require(!e.problem().isBlank(), "refused without a word");
      return Optional.empty();
    }
    try {
      requireSame(SnapshotFormat.read(SnapshotFormat.write(1, stored)), stored);
    } catch (UnusableSnapshotException e) {
      throw new AssertionError("what was read once is not read again", e);
    }
    return Optional.of(stored);
  }

  private static void requireSame(Stored found, Stored expected) {
    require(
        found.snapshot().hasSameContentAs(expected.snapshot())
            && found.snapshot().revision() == expected.snapshot().revision()
            && found.snapshot().isComplete() == expected.snapshot().isComplete()
            && found.savedAt().equals(expected.savedAt()),
        "it is " + found + ", not " + expected);
  }

  private static Optional<Stored> load(byte[] a, byte[] b, List<String> faults) {
    try {
      Path directory = Files.createTempDirectory("sluice-fuzz");
      Path first = directory.resolve("a.snapshot");
      Path second = directory.resolve("b.snapshot");
      try (SnapshotStore store =
          SnapshotStore.open(directory, (fault, problem) -> faults.add(problem))) {
        writeUnlessEmpty(first, a);
        writeUnlessEmpty(second, b);
        return store.load();
      } finally {
        Files.deleteIfExists(first);
        Files.deleteIfExists(second);
        Files.delete(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("no room for the files of a store", e);
    }
  }

  private static void writeUnlessEmpty(Path file, byte[] content) throws IOException {
    if (content.length > 0) {
      Files.write(file, content);
    }
  }
}
