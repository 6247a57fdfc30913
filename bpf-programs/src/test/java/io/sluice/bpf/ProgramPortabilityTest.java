package io.sluice.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What lets one build of the objects load on every supported kernel. */
class ProgramPortabilityTest {
  /** Offsets in the header of {@code .BTF.ext} (linux/btf.h, libbpf's btf_internal.h). */
  private static final int HEADER_LENGTH = 4;

  private static final int CORE_RELOCATIONS_LENGTH = 28;
  private static final int HEADER_WITH_RELOCATIONS = 32;

  private static Stream<String> objects() {
    return Stream.concat(
        Stream.of(CompiledObjects.MAPS),
        Arrays.stream(InterceptionProgram.values()).map(InterceptionProgram::objectName));
  }

  @ParameterizedTest
  @MethodSource("objects")
  void objectNeedsNoTypesOfTheRunningKernel(String name) {
    ByteBuffer extension = elf(name).sections().get(".BTF.ext");

    // The object without a program has no such section.
    if (extension != null && extension.getInt(HEADER_LENGTH) >= HEADER_WITH_RELOCATIONS) {
      assertThat(extension.getInt(CORE_RELOCATIONS_LENGTH)).as("CO-RE relocations").isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("objects")
  void objectIsBpfCodeWithTypesAndWithoutDebugSections(String name) {
    ElfObject object = elf(name);

    assertThat(object.machine()).isEqualTo(ElfObject.MACHINE_BPF);
    assertThat(object.sections()).containsKeys(".BTF", ".maps");
    assertThat(object.sections().keySet()).noneMatch(section -> section.startsWith(".debug"));
  }

  @ParameterizedTest
  @MethodSource("objects")
  void objectIsLicensedForHelpersThatOnlyGplProgramsMayCall(String name) {
    assertThat(ElfObject.text(elf(name).section("license"), 0)).isEqualTo("Dual BSD/GPL");
  }

  @ParameterizedTest
  @MethodSource("objects")
  void objectHasNoVariablesThatChange(String name) {
    // Each would become a map of its own, which would have to be pinned and shared. Constants
    // (.rodata) are part of the one instance of the program that was loaded with them.
    assertThat(elf(name).sections().entrySet())
        .filteredOn(entry -> entry.getKey().matches("\\.(data|bss).*"))
        .allMatch(entry -> entry.getValue().limit() == 0);
  }

  @ParameterizedTest
  @EnumSource(InterceptionProgram.class)
  void objectHoldsTheOneProgramItIsNamedAfter(InterceptionProgram program) {
    assertThat(ElfObject.parse(program.object()).functions())
        .containsExactly(program.functionName());
  }

  @Test
  void objectOfTheMapsHoldsNoProgram() {
    assertThat(elf(CompiledObjects.MAPS).functions()).isEmpty();
  }

  @Test
  void everySourceIsAProgramThatIsAttached() throws IOException {
    List<String> sources;
    try (Stream<Path> files = Files.list(Path.of("src"))) {
      sources =
          files
              .map(file -> file.getFileName().toString())
              .filter(file -> file.endsWith(".bpf.c"))
              .map(file -> file.substring(0, file.length() - ".bpf.c".length()))
              .toList();
    }

    assertThat(sources).containsExactlyInAnyOrderElementsOf(objects().toList());
  }

  @Test
  void missingObjectIsToldByName() {
    assertThatThrownBy(() -> CompiledObjects.read("nonesuch"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nonesuch.bpf.o")
        .hasMessageContaining("rebuild bpf-programs");
  }

  private static ElfObject elf(String name) {
    return ElfObject.parse(CompiledObjects.read(name));
  }
}
