package io.sluice.cni.membership;

import static io.sluice.cni.membership.NamespaceKind.INSIDE;
import static io.sluice.cni.membership.NamespaceKind.MIXED;
import static io.sluice.cni.membership.NamespaceKind.OUTSIDE;
import static io.sluice.cni.membership.NamespaceKind.SYSTEM;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.cni.membership.MembershipFile.MembershipFormat;
import io.sluice.cni.membership.MembershipFile.MembershipFormat.Malformed;
import io.sluice.cni.membership.MembershipFileException.Aftermath;
import io.sluice.process.FullDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MembershipFileTest {
  private static final Membership SHOP =
      Membership.of(
          Map.of("kube-system", SYSTEM, "shop", INSIDE, "depot", MIXED, "default", OUTSIDE));

  @TempDir Path directory;
  private Path path;
  private MembershipFile file;

  @BeforeEach
  void nameTheFile() {
    path = directory.resolve("cni").resolve("membership");
    file = new MembershipFile(path);
  }

  @Test
  void writesTheTextThatTheClientReads() {
    file.write(SHOP);

    String body =
        """
        sluice-membership 1
        outside default
        mixed depot
        system kube-system
        inside shop
        """;
    var crc = new CRC32();
    crc.update(body.getBytes(US_ASCII));
    assertThat(path).hasContent(body + String.format("crc32 %08x\n", crc.getValue()));
  }

  @Test
  void readsWhatItWrote() throws Exception {
    file.write(SHOP);
    assertThat(read()).isEqualTo(SHOP);
    file.write(Membership.NONE);
    assertThat(read()).isEqualTo(Membership.NONE);
  }

  @Test
  void isReadableToAllAndWritableToItsOwnerOnly() throws IOException {
    file.write(SHOP);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-r--r--");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path.getParent())))
        .isEqualTo("rwxr-xr-x");
  }

  @Test
  void writesNothingWhenNothingChanged() throws IOException {
    assertThat(file.write(SHOP)).isTrue();
    Object inode = Files.getAttribute(path, "unix:ino");

    assertThat(file.write(SHOP)).isFalse();

    assertThat(Files.getAttribute(path, "unix:ino")).isEqualTo(inode);
    assertThat(file.write(Membership.NONE)).isTrue();
  }

  @Test
  void clearsWhatACrashLeftThoughNothingChanged() throws Exception {
    file.write(SHOP);
    Path left = Files.writeString(path.resolveSibling(".membership.tmp"), "sluice-memb");

    assertThat(file.write(SHOP)).isFalse();

    assertThat(left).doesNotExist();
    assertThat(read()).isEqualTo(SHOP);
  }

  @Test
  void everyFlippedBitIsFound() throws IOException {
    file.write(Membership.of(Map.of("a", SYSTEM, "b", INSIDE)));
    byte[] good = Files.readAllBytes(path);
    for (int bit = 0; bit < good.length * Byte.SIZE; bit++) {
      byte[] bad = good.clone();
      bad[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
      Files.write(path, bad);

      assertThatThrownBy(this::read).as("bit %s", bit).isInstanceOf(Malformed.class);
    }
  }

  @Test
  void everyTruncationIsFound() throws IOException {
    file.write(SHOP);
    byte[] good = Files.readAllBytes(path);
    for (int length = 0; length < good.length; length++) {
      Files.write(path, Arrays.copyOf(good, length));
      assertThatThrownBy(this::read).as("%s bytes", length).hasMessageContaining("line ");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'sluice-membership 2|',                         'line 1: version ''2'' is not known'",
    "'membership 1|',                                'line 1: is not'",
    "'sluice-membership 1|inside|',                  'line 2: '''' is no name'",
    "'sluice-membership 1|inside shop|beside a|',    'line 3: unknown kind ''beside'''",
    "'sluice-membership 1|inside  shop|',            'line 2: '' shop'' is no name'",
    "'sluice-membership 1|inside shop |',            'line 2: ''shop '' is no name'",
    "'sluice-membership 1|INSIDE shop|',             'line 2: unknown kind'",
    "'sluice-membership 1|inside b|system a|',       'line 3: ''a'' is twice or out of order'",
    "'sluice-membership 1|inside b|inside b|',       'line 3: ''b'' is twice or out of order'",
    "'sluice-membership 1|inside b||',               'line 3: unknown kind'",
  })
  void namesLineAndReason(String text, String message) throws IOException {
    writeWithChecksum(text.replace('|', '\n'));

    assertThatThrownBy(this::read).isInstanceOf(Malformed.class).hasMessageContaining(message);
  }

  @Test
  void refusesMoreThanTheClientReads() throws IOException {
    Files.createDirectories(path.getParent());
    Files.write(path, new byte[(1 << 20) + 1]);
    assertThatThrownBy(this::read).hasMessageContaining("more than 1048576 bytes");

    var many = new TreeMap<String, NamespaceKind>();
    for (int i = 0; i < 20_000; i++) {
      many.put("n".repeat(50) + i, SYSTEM);
    }
    assertThatThrownBy(() -> file.write(Membership.of(many)))
        .isInstanceOf(MembershipFileException.class)
        .hasMessageContaining("20000 namespaces");
  }

  @Test
  void keepsTheOldFileOnAFullDiskWhenItLetsNothingStartThatMayNot() throws Exception {
    file.write(SHOP);
    var more = Membership.of(Map.of("kube-system", OUTSIDE, "default", SYSTEM, "shop", OUTSIDE));

    assertThat(failure(new FullDisk(), more).aftermath()).isEqualTo(Aftermath.KEPT);

    assertThat(read()).isEqualTo(SHOP);
  }

  @Test
  void removesTheOldFileOnAFullDiskWhenItLetsTooMuchStart() {
    file.write(SHOP);

    var failure = failure(new FullDisk(), Membership.of(Map.of("kube-system", SYSTEM)));

    assertThat(failure.aftermath()).isEqualTo(Aftermath.REMOVED);
    assertThat(failure)
        .hasMessageContaining(path.toString())
        .hasMessageContaining("No space left on device")
        .hasMessageContaining("no pod starts");
    assertThat(path).doesNotExist();
  }

  @Test
  void emptiesTheOldFileWhenItCannotBeRemovedEither() {
    file.write(SHOP);

    var failure = failure(new FullDisk(false), Membership.NONE);

    assertThat(failure.aftermath()).isEqualTo(Aftermath.EMPTIED);
    assertThat(path).isEmptyFile();
    assertThatThrownBy(this::read).hasMessageContaining("line 1: the file is empty");
  }

  @Test
  void removesWhatItCannotReadSinceItMayLetTooMuchStart() throws IOException {
    writeWithChecksum("sluice-membership 2\n");

    assertThat(failure(new FullDisk(), SHOP).aftermath()).isEqualTo(Aftermath.REMOVED);
    assertThat(path).doesNotExist();
  }

  @Test
  void saysThatThereIsNoFileWhenTheFirstCannotBeWritten() throws IOException {
    assertThat(failure(new FullDisk(), SHOP).aftermath()).isEqualTo(Aftermath.REMOVED);
    assertThat(path).doesNotExist();
  }

  private Membership read() throws IOException, Malformed {
    return MembershipFormat.decode(Files.readAllBytes(path));
  }

  private MembershipFileException failure(FullDisk disk, Membership wanted) {
    return catchThrowableOfType(
        MembershipFileException.class, () -> new MembershipFile(path, disk).write(wanted));
  }

  private void writeWithChecksum(String body) throws IOException {
    var crc = new CRC32();
    crc.update(body.getBytes(US_ASCII));
    Files.createDirectories(path.getParent());
    Files.writeString(path, body + String.format("crc32 %08x\n", crc.getValue()));
  }
}
