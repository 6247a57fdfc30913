package io.sluice.cni.membership;

import static io.sluice.cni.membership.NamespaceKind.INSIDE;
import static io.sluice.cni.membership.NamespaceKind.OUTSIDE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.cni.membership.MembershipFile.MembershipFormat;
import io.sluice.cni.membership.MembershipFile.MembershipFormat.Malformed;
import io.sluice.cni.membership.MembershipFileException.Aftermath;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same failures with file systems that are really full, read-only, or in the way. */
@Tag("kernel")
class MembershipOnFullDiskTest {
  private static final Membership OPEN = Membership.of(Map.of("shop", OUTSIDE));
  private static final Membership CLOSED = Membership.of(Map.of("shop", INSIDE));

  @TempDir Path directory;
  private Path disk;
  private Path path;
  private MembershipFile file;

  @BeforeEach
  void mountASmallDisk() throws Exception {
    disk = Files.createDirectory(directory.resolve("disk"));
    run("mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "sluice-test", disk.toString());
    path = disk.resolve("membership");
    file = new MembershipFile(path);
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount", "-R", disk.toString());
  }

  @Test
  void removesTheOldFileFromAFullDiskWhenItLetsTooMuchStart() throws IOException {
    file.write(OPEN);
    fill();

    assertThat(failure(CLOSED).aftermath()).isEqualTo(Aftermath.REMOVED);

    try (Stream<Path> left = Files.list(disk)) {
      assertThat(left).containsExactly(disk.resolve("filler"));
    }
  }

  @Test
  void keepsTheOldFileOnAFullDiskWhenItIsStricter() throws Exception {
    file.write(CLOSED);
    fill();

    assertThat(failure(OPEN).aftermath()).isEqualTo(Aftermath.KEPT);

    assertThat(read()).isEqualTo(CLOSED);
    // Not deleted: a process that is just being started may hold it open for a moment.
    Files.write(disk.resolve("filler"), new byte[0]);
    assertThat(file.write(OPEN)).isTrue();
    assertThat(read()).isEqualTo(OPEN);
  }

  @Test
  void saysThatTheFileIsOutdatedOnAReadOnlyDisk() throws Exception {
    file.write(OPEN);
    run("mount", "-o", "remount,ro", disk.toString());

    var failure = failure(CLOSED);

    assertThat(failure.aftermath()).isEqualTo(Aftermath.OUTDATED);
    assertThat(failure).hasMessageContaining("remove it by hand");
    assertThat(read()).isEqualTo(OPEN);
  }

  @Test
  void emptiesAFileThatIsMountedThereAndSoCanBeNeitherReplacedNorRemoved() throws Exception {
    file.write(OPEN);
    run("mount", "--bind", path.toString(), path.toString());

    assertThat(failure(CLOSED).aftermath()).isEqualTo(Aftermath.EMPTIED);

    assertThat(path).isEmptyFile();
  }

  private void fill() throws IOException {
    try (OutputStream out = Files.newOutputStream(disk.resolve("filler"))) {
      byte[] page = new byte[4096];
      while (true) {
        out.write(page);
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
  }

  private Membership read() throws IOException, Malformed {
    return MembershipFormat.decode(Files.readAllBytes(path));
  }

  private MembershipFileException failure(Membership wanted) {
    return catchThrowableOfType(MembershipFileException.class, () -> file.write(wanted));
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s: %s", String.join(" ", command), output).isZero();
  }
}
