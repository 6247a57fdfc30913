package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.OneAtATime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images of architectures other than this machine's: one is emulated, others are refused. */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Tag("kernel")
class OtherArchitectureTest {
  private static final boolean IS_AMD64 =
      Commands.run("dpkg", "--print-architecture").strip().equals("amd64");
  private static final String OTHER = IS_AMD64 ? "arm64" : "amd64";

  /** ELF header: four bytes of magic; the machine at 18, EM_X86_64 or EM_AARCH64. */
  private static final int MAGIC = 0x464c457f;

  private static final int MACHINE_AT = 18;
  private static final int MACHINE = IS_AMD64 ? 183 : 62;

  @Test
  @Tag("long")
  void theNodeImageOfTheOtherArchitectureBecomesReadyOnItsKernel() {
    String output = ImageArchive.make("--arch", OTHER, "--image", "node", "--boot");

    System.out.println(output);
    assertThat(output)
        .containsPattern(
            "(?m)^ready: architecture="
                + (IS_AMD64 ? "aarch64" : "x86_64")
                + " mode=ebpf seconds=[0-9]+$");
  }

  /** What the jars hold of it; what else an image has comes of packages. */
  @Test
  void theNativeCodeOfTheOtherArchitectureIsItsOwn(@TempDir Path directory) throws IOException {
    String script =
        """
        die() { echo "$*"; exit 1; }
        work=$1 architecture=$2 root=$3 here=$3/images product=$3/cli/target/dist/lib
        . "$here/parts.sh"
        unpack_natives "$work/tree"
        """;
    Commands.run(
        "env",
        "JAVA_HOME=" + System.getProperty("java.home"),
        "sh",
        "-euc",
        script,
        "sh",
        directory.toString(),
        OTHER,
        SourceTree.around().root().toString());

    try (Stream<Path> files = Files.list(directory.resolve("tree/usr/lib/sluice/native"))) {
      List<Path> natives = files.toList();
      assertThat(natives)
          .hasSize(3)
          .allSatisfy(file -> assertThat(machine(file)).hasValue(MACHINE));
    }
  }

  @Test
  @Tag("long")
  void theNodeImageOfTheOtherArchitectureHoldsNoOtherMachineCode(@TempDir Path directory)
      throws IOException {
    Path archive = directory.resolve("other.tar");
    ImageArchive.make("--arch", OTHER, "--image", "node", "--save", archive.toString());
    ImageContents image = ImageContents.unpack(archive, "node", directory);
    Map<Path, Integer> machines = new TreeMap<>();
    for (Path file : image.files()) {
      Path whole = image.root().resolve(file);
      if (Files.isRegularFile(whole, LinkOption.NOFOLLOW_LINKS)) {
        machine(whole).ifPresent(machine -> machines.put(file, machine));
      }
    }

    assertThat(image.config().path("architecture").asText()).isEqualTo(OTHER);
    assertThat(machines.keySet())
        .extracting(file -> file.getFileName().toString().replaceFirst("\\.so\\..*", ".so"))
        .contains("java", "libjvm.so", "libc.so", "libbpf.so", "libnftables.so");
    assertThat(machines).allSatisfy((_, machine) -> assertThat(machine).isEqualTo(MACHINE));
  }

  private static OptionalInt machine(Path file) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(MACHINE_AT + 2).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(file)) {
      while (header.hasRemaining() && channel.read(header) >= 0) {}
    }
    return !header.hasRemaining() && header.getInt(0) == MAGIC
        ? OptionalInt.of(header.getShort(MACHINE_AT))
        : OptionalInt.empty();
  }

  @ParameterizedTest
  @CsvSource({
    "riscv64, no system calls of it",
    "loong64, Netty has no epoll for it",
    "s390x, amd64 or arm64"
  })
  void whatCannotBeMadeIsRefusedWithItsReason(String architecture, String reason) {
    assertThatThrownBy(() -> ImageArchive.make("--arch", architecture))
        .hasMessageContaining("no images for " + architecture)
        .hasMessageContaining(reason);
  }
}
