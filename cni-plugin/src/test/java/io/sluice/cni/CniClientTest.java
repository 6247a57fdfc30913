package io.sluice.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cni.ElfProgram.Segment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What lets one file start on every distribution, and keeps it small and hard to misuse. */
class CniClientTest {
  private static final int LARGEST = 100 << 10;

  @ParameterizedTest
  @CsvSource({
    "amd64," + ElfProgram.MACHINE_AMD64,
    "x86_64," + ElfProgram.MACHINE_AMD64,
    "aarch64," + ElfProgram.MACHINE_ARM64,
    "arm64," + ElfProgram.MACHINE_ARM64
  })
  void eachArchitectureHasItsProgram(String osArch, int machine) {
    ElfProgram program = ElfProgram.parse(CniClient.binary(osArch));

    assertThat(program.machine()).isEqualTo(machine);
    assertThat(program.type()).isEqualTo(ElfProgram.EXECUTABLE);
    assertThat(program.segments(ElfProgram.LOAD))
        .filteredOn(Segment::isExecutable)
        .singleElement()
        .matches(code -> code.holds(program.entry()), "holds the entry");
  }

  @ParameterizedTest
  @ValueSource(strings = {"amd64", "arm64"})
  void programNeedsNoLoaderAndNoLibrary(String osArch) {
    ElfProgram program = ElfProgram.parse(CniClient.binary(osArch));

    assertThat(program.segments(ElfProgram.INTERPRETER)).isEmpty();
    assertThat(program.segments(ElfProgram.DYNAMIC)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"amd64", "arm64"})
  void programIsSmall(String osArch) {
    assertThat(CniClient.binary(osArch).length).isLessThan(LARGEST);
  }

  @ParameterizedTest
  @ValueSource(strings = {"amd64", "arm64"})
  void nothingIsBothWritableAndExecutable(String osArch) {
    ElfProgram program = ElfProgram.parse(CniClient.binary(osArch));

    assertThat(program.segments())
        .noneMatch(segment -> segment.isWritable() && segment.isExecutable());
    assertThat(program.segments(ElfProgram.STACK)).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"amd64", "arm64"})
  void writableMemoryBeginsAsZeros(String osArch) {
    // So there is no pointer in it that somebody could want to overwrite, and nothing to relocate.
    assertThat(ElfProgram.parse(CniClient.binary(osArch)).segments(ElfProgram.LOAD))
        .filteredOn(Segment::isWritable)
        .allMatch(segment -> segment.fileSize() == 0);
  }

  @Test
  void programOfArm64StartsOnKernelsWithLargePages() {
    assertThat(ElfProgram.parse(CniClient.binary("arm64")).segments(ElfProgram.LOAD))
        .allMatch(segment -> segment.alignment() == 64 << 10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"amd64", "arm64"})
  void programTellsNothingOfTheMachineThatBuiltIt(String osArch) {
    String bytes = new String(CniClient.binary(osArch), StandardCharsets.ISO_8859_1);

    assertThat(bytes).doesNotContain("clang", "src/client", System.getProperty("user.dir", "/"));
  }

  @Test
  void thisMachineHasAProgramThatStarts() throws Exception {
    assertThat(Invocation.of("VERSION").run().exitStatus()).isZero();
    assertThat(CniClient.forThisMachine())
        .isEqualTo(CniClient.binary(System.getProperty("os.arch", "")));
  }

  @Test
  void architectureWithoutAProgramIsNamed() {
    assertThatThrownBy(() -> CniClient.binary("riscv64"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("riscv64")
        .hasMessageContaining("amd64")
        .hasMessageContaining("arm64");
  }
}
