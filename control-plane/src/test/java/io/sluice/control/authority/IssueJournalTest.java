package io.sluice.control.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.process.DurableFile.FileSteps;
import java.io.FileOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IssueJournalTest {
  private static final IssueJournal.JournalLimits SMALL = new IssueJournal.JournalLimits(4096, 3);

  @TempDir private Path parent;

  @Test
  void findsWhatWasIssuedAlsoAfterARestart() throws Exception {
    try (IssueJournal journal = open(SMALL)) {
      journal.append(entry(1));
      journal.append(entry(2));
      assertThat(find(BigInteger.ONE)).contains(entry(1));
    }
    try (IssueJournal journal = open(SMALL)) {
      journal.append(entry(3));
      assertThat(find(BigInteger.TWO)).contains(entry(2));
      assertThat(find(BigInteger.TEN)).isEmpty();
    }
  }

  @Test
  void oneLineOfJsonPerCertificateForItsOwnerAlone() throws Exception {
    try (IssueJournal journal = open(SMALL)) {
      journal.append(entry(255));
    }

    assertThat(Files.readString(latest()))
        .isEqualTo(
            """
            {"issuedAt":"2026-06-01T12:00:00Z","serial":"ff",\
            "identity":"spiffe://site.example/ns/shop/sa/store",\
            "notAfter":"2026-06-02T12:00:00Z","requester":"node-\\"1\\"\\n","issuer":"CN=ca"}
            """);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(latest())))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory())))
        .isEqualTo("rwx------");
  }

  @Test
  void survivesALineTornAtAnyByte() throws Exception {
    byte[] line = entry(2).line().getBytes(StandardCharsets.UTF_8);
    for (int kept = 1; kept < line.length; kept++) {
      Files.createDirectories(directory());
      Files.writeString(latest(), entry(1).line());
      Files.write(latest(), Arrays.copyOf(line, kept), StandardOpenOption.APPEND);
      try (IssueJournal journal = open(SMALL)) {
        journal.append(entry(3));

        assertThat(find(BigInteger.ONE)).contains(entry(1));
        // Only the newline is missing from the longest.
        assertThat(find(BigInteger.TWO).isPresent()).isEqualTo(kept == line.length - 1);
        assertThat(find(BigInteger.valueOf(3))).contains(entry(3));
      }
    }
  }

  @Test
  void neverTakesMoreThanItsShareOfTheDisk() throws Exception {
    try (IssueJournal journal = open(SMALL)) {
      for (int i = 1; i <= 200; i++) {
        journal.append(entry(i));
      }

      assertThat(find(BigInteger.valueOf(200))).contains(entry(200));
      assertThat(find(BigInteger.valueOf(170))).contains(entry(170));
      assertThat(find(BigInteger.ONE)).isEmpty();
    }
    try (var files = Files.list(directory())) {
      List<Path> parts = files.toList();
      assertThat(parts).hasSize(3);
      for (Path part : parts) {
        assertThat(Files.size(part)).isBetween(1L, 4096L);
      }
    }
  }

  @Test
  void losesNothingWhenManyAppendAtOnceAcrossParts() throws Exception {
    IssueJournal.JournalLimits limits = new IssueJournal.JournalLimits(16_384, 100);
    try (IssueJournal journal = open(limits)) {
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        IntStream.rangeClosed(1, 500).forEach(i -> threads.execute(() -> journal.append(entry(i))));
      }

      for (int i = 1; i <= 500; i++) {
        assertThat(find(BigInteger.valueOf(i))).contains(entry(i));
      }
    }
  }

  @Test
  void losesNothingWhileThereIsNoRoomForANewFile() throws Exception {
    AtomicBoolean isFull = new AtomicBoolean();
    FileSteps steps =
        new FileSteps() {
          @Override
          public FileOutputStream create(Path file) throws IOException {
            if (isFull.get()) {
              throw new IOException("Disk quota exceeded");
            }
            return FileSteps.super.create(file);
          }
        };
    try (IssueJournal journal = IssueJournal.open(directory(), SMALL, steps)) {
      int written = 0;
      while (!Files.exists(directory().resolve("issued.2.jsonl"))) {
        journal.append(entry(++written));
      }
      isFull.set(true);
      int refused = 0;
      while (refused < 5) {
        try {
          journal.append(entry(written + 1));
          written++;
        } catch (AuthorityException e) {
          refused++;
        }
      }
      for (int i = 1; i <= written; i++) {
        assertThat(find(BigInteger.valueOf(i))).contains(entry(i));
      }

      isFull.set(false);
      journal.append(entry(++written));
      assertThat(find(BigInteger.valueOf(written))).contains(entry(written));
      assertThat(find(BigInteger.valueOf(written - 1))).contains(entry(written - 1));
      assertThat(find(BigInteger.ONE)).isEmpty();
    }
  }

  @Test
  void saysSoWhenTheDiskDoesNotTakeIt() throws Exception {
    try (IssueJournal journal = open(SMALL)) {
      journal.close();

      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(() -> journal.append(entry(1)))
          .satisfies(
              e -> assertThat(e.reason()).isEqualTo(AuthorityException.Reason.STORE_UNWRITABLE))
          .withMessageContaining(latest().toString());
    }
  }

  private IssueJournal open(IssueJournal.JournalLimits limits) {
    return IssueJournal.open(directory(), limits);
  }

  private Optional<JournalEntry> find(BigInteger serial) throws IOException {
    return JournalReader.find(directory(), serial);
  }

  private Path directory() {
    return parent.resolve("journal");
  }

  private Path latest() {
    return directory().resolve("issued.jsonl");
  }

  private static JournalEntry entry(int serial) {
    return new JournalEntry(
        Instant.parse("2026-06-01T12:00:00Z"),
        BigInteger.valueOf(serial),
        "spiffe://site.example/ns/shop/sa/store",
        Instant.parse("2026-06-02T12:00:00Z"),
        "node-\"1\"\n",
        "CN=ca");
  }
}
