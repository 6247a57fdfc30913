package io.sluice.control.authority;

import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.FileFault;
import io.sluice.process.DurableFile;
import io.sluice.process.DurableFile.FileSteps;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Every certificate that was handed out, one JSON line each, in {@code issued.jsonl} and its older
 * parts {@code issued.1.jsonl}, {@code issued.2.jsonl} and so on.
 *
 * <p>An entry is on the disk (fsync) before {@link #append} returns; callers hand out the
 * certificate after that, so none is in use that the journal does not know. Callers that come
 * together share one sync. Nothing is ever rewritten: a line torn by a power cut stays, is closed
 * by a newline at the next start, and is skipped by readers. When the file is full it is renamed,
 * once there is room for the next one; the oldest part beyond the limit is removed.
 *
 * <p>Any thread; blocks on the disk.
 */
public final class IssueJournal implements AutoCloseable {
  private static final String NAME = "issued";
  private static final String SUFFIX = ".jsonl";
  private static final int LONGEST_LINE = 4096;

  private final Path directory;
  private final JournalLimits limits;
  private final FileSteps steps;

  /** Taken in this order: {@code syncing}, then {@code writing}. */
  private final ReentrantLock syncing = new ReentrantLock();

  private final ReentrantLock writing = new ReentrantLock();
  private FileOutputStream out;
  private long fileBytes;
  private long writtenEntries;
  private long syncedEntries;
  private long lostEntries;
  private boolean torn;

  private IssueJournal(Path directory, JournalLimits limits, FileSteps steps) throws IOException {
    this.directory = directory;
    this.limits = limits;
    this.steps = steps;
    this.out = openLatest();
  }

  /**
   * Opens, or begins, the journal in {@code directory}.
   *
   * @throws AuthorityException where the disk does not let us
   */
  public static IssueJournal open(Path directory, JournalLimits limits) {
    return open(directory, limits, FileSteps.REAL);
  }

  /** The same with other steps: for tests of what happens when one fails. */
  static IssueJournal open(Path directory, JournalLimits limits, FileSteps steps) {
    try {
      Files.createDirectories(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      return new IssueJournal(directory, limits, steps);
    } catch (IOException e) {
      throw unwritable(directory, e);
    }
  }

  /**
   * Adds {@code entry} and waits until the disk has it.
   *
   * @throws AuthorityException where it does not get there; the certificate must then not be used
   */
  public void append(JournalEntry entry) {
    byte[] line = entry.line().getBytes(StandardCharsets.UTF_8);
    if (line.length > LONGEST_LINE) {
      throw new IllegalArgumentException(
          "a journal line of " + line.length + " bytes is longer than " + LONGEST_LINE);
    }
    try {
      rotateWhenFull(line.length);
      sync(write(line));
    } catch (IOException e) {
      throw unwritable(part(0), e);
    }
  }

  private long write(byte[] line) throws IOException {
    writing.lock();
    try {
      if (torn) {
        out.write('\n');
        fileBytes++;
      }
      torn = true;
      out.write(line);
      torn = false;
      fileBytes += line.length;
      return ++writtenEntries;
    } finally {
      writing.unlock();
    }
  }

  /** Whoever gets the lock syncs for all that have written by then. */
  private void sync(long entry) throws IOException {
    syncing.lock();
    try {
      if (entry <= lostEntries) {
        throw new IOException("the disk did not take it");
      }
      if (entry <= syncedEntries) {
        return;
      }
      syncAll(writtenUpToNow());
    } finally {
      syncing.unlock();
    }
  }

  private void syncAll(long upTo) throws IOException {
    try {
      out.getFD().sync();
    } catch (IOException e) {
      lostEntries = upTo; // a later sync would succeed without these: the kernel forgets them
      throw e;
    }
    syncedEntries = upTo;
  }

  private long writtenUpToNow() {
    writing.lock();
    try {
      return writtenEntries;
    } finally {
      writing.unlock();
    }
  }

  private void rotateWhenFull(int moreBytes) throws IOException {
    writing.lock();
    try {
      if (fileBytes == 0 || fileBytes + moreBytes <= limits.fileBytes()) {
        return;
      }
    } finally {
      writing.unlock();
    }
    syncing.lock();
    writing.lock();
    try {
      if (fileBytes + moreBytes > limits.fileBytes()) {
        rotate();
      }
    } finally {
      writing.unlock();
      syncing.unlock();
    }
  }

  /**
   * Both locks are held, so nobody is about to sync the file that is closed here. However often it
   * fails, no more than the oldest part is lost by it.
   */
  private void rotate() throws IOException {
    syncAll(writtenEntries);
    Path made = new DurableFile(part(0), FileSteps.OWNER_ONLY).temporary();
    Files.deleteIfExists(made);
    FileOutputStream next = steps.create(made);
    try {
      shift();
      Files.move(made, part(0), StandardCopyOption.ATOMIC_MOVE);
      DurableFile.syncDirectory(directory);
    } catch (IOException e) {
      next.close();
      throw e;
    }
    FileOutputStream full = out;
    out = next;
    fileBytes = 0;
    torn = false;
    full.close();
  }

  /** Moves parts up to the first number that is free: an earlier try may have got to there. */
  private void shift() throws IOException {
    if (Files.notExists(part(0)) || Files.size(part(0)) == 0) {
      return;
    }
    int free = 1;
    while (free < limits.files() - 1 && Files.exists(part(free))) {
      free++;
    }
    for (int i = free; i > 0; i--) {
      Files.move(part(i - 1), part(i), StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private FileOutputStream openLatest() throws IOException {
    Path latest = part(0);
    if (Files.notExists(latest)) {
      steps.create(latest).close();
      DurableFile.syncDirectory(directory);
    }
    boolean insideALine = endsInsideALine(latest);
    FileOutputStream stream = new FileOutputStream(latest.toFile(), true);
    if (insideALine) {
      stream.write('\n');
    }
    fileBytes = Files.size(latest);
    return stream;
  }

  private static boolean endsInsideALine(Path file) throws IOException {
    try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "r")) {
      if (content.length() == 0) {
        return false;
      }
      content.seek(content.length() - 1);
      return content.read() != '\n';
    }
  }

  private Path part(int number) {
    return directory.resolve(number == 0 ? NAME + SUFFIX : NAME + "." + number + SUFFIX);
  }

  private static AuthorityException unwritable(Path file, IOException e) {
    return new AuthorityException(
        Reason.STORE_UNWRITABLE,
        file.toString(),
        "the journal cannot be written (" + FileFault.reason(e) + ")",
        "no certificate is issued until it can; look at the disk's free space",
        e);
  }

  @Override
  public void close() {
    syncing.lock();
    writing.lock();
    try {
      out.close(); // what was handed out has been synced
    } catch (IOException e) {
      throw unwritable(part(0), e);
    } finally {
      writing.unlock();
      syncing.unlock();
    }
  }

  /**
   * How much of the disk the journal may take: {@code files} times {@code fileBytes}.
   *
   * @param fileBytes size at which the current file is closed
   * @param files the current one and its older parts
   */
  public record JournalLimits(long fileBytes, int files) {
    /**
     * 64 MiB, some 200,000 entries: a week of 1,000 workloads at the shortest usual life of 1 h.
     */
    public static final JournalLimits DEFAULT = new JournalLimits(8L << 20, 8);

    private static final long LEAST_BYTES = 4096;
    private static final int MOST_FILES = 1000;

    public JournalLimits {
      if (fileBytes < LEAST_BYTES || files < 2 || files > MOST_FILES) {
        throw new IllegalArgumentException(
            "a journal needs 2 to " + MOST_FILES + " files of at least " + LEAST_BYTES + " bytes");
      }
    }
  }
}
