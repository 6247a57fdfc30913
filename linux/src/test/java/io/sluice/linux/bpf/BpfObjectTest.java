package io.sluice.linux.bpf;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.sun.jna.NativeLibrary;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfObject.ElfVariables;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
class BpfObjectTest {
  @TempDir static Path directory;

  @Test
  void listsItsProgramsAndMaps() throws Exception {
    try (var object = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "maps")) {
      assertThat(object.programNames())
          .containsExactlyInAnyOrder("report_connect", "refuse_connect", "steer", "watch_messages");
      assertThat(object.mapNames()).contains("hash", "slots", "storage", "events");
    }
  }

  @Test
  void leavesMapsAndProgramsUsableAfterClose() throws Exception {
    var object = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "maps");
    object.load();
    try (var map = object.map("array");
        var program = object.program("refuse_connect")) {
      object.close();

      assertThat(map.info().keySize()).isEqualTo(Integer.BYTES);
      assertThat(program.id()).isPositive();
    }
  }

  @Test
  void takesMapsOfAnotherObject() throws Exception {
    byte[] elf = TestObject.compile(directory, "maps.bpf.c");
    try (var first = BpfObject.open(elf, "first")) {
      first.load();
      try (var shared = first.map("lru");
          var second = BpfObject.open(elf, "second").reuseMap("lru", shared)) {
        second.load();

        try (var same = second.map("lru")) {
          assertThat(same.info().id()).isEqualTo(shared.info().id());
        }
      }
    }
  }

  @Test
  void namesTheRefusedProgramAndQuotesTheVerifier() throws Exception {
    try (var object = BpfObject.open(TestObject.compile(directory, "refused.bpf.c"), "refused")) {
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(object::load)
          .satisfies(e -> {
            assertThat(e.operation()).isEqualTo("bpf(PROG_LOAD)");
            assertThat(e.errno()).isEqualTo(Errno.EACCES);
            assertThat(e.subject()).contains("unchecked_lookup").contains("refused");
            assertThat(e.hint()).contains("invalid mem access");
          });
      assertThat(object.verifierLog()).contains("map_value_or_null");
    }
  }

  @Test
  void refusesBytesThatAreNoObject() {
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> BpfObject.open(new byte[] {1, 2, 3, 4}, "broken"))
        .satisfies(e -> {
          assertThat(e.operation()).isEqualTo("bpf_object__open_mem");
          assertThat(e.subject()).isEqualTo("object broken");
          assertThat(e.errno()).isEqualTo(Errno.ENOEXEC);
          assertThat(e.hint()).contains("damaged");
        });
  }

  @Test
  void refusesAMapThatTheKernelCannotMake() throws Exception {
    try (var object = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "maps")) {
      NativeLibrary.getInstance("libbpf.so.1")
          .getFunction("bpf_map__set_max_entries")
          .invokeInt(new Object[] {object.mapHandle("array"), 0});

      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(object::load)
          .satisfies(e -> assertThat(e.operation()).isEqualTo("bpf_object__load"));
    }
  }

  @Test
  void knowsNoMapOfAnotherName() throws Exception {
    try (var object = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "maps")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> object.map("absent"))
          .withMessageContaining("absent");
    }
  }

  @Test
  void setsVariablesOfEverySize() throws Exception {
    byte[] elf = TestObject.compile(directory, "maps.bpf.c");
    try (var object = BpfObject.open(elf, "maps")) {
      object
          .variable("one_byte", 0xFE)
          .variable("two_bytes", -2)
          .variable("refused_port_be", 0xFFFF_FFFFL)
          .variable("eight_bytes", Long.MIN_VALUE);

      var variables = ElfVariables.of(elf);
      object.editSection(
          ".rodata",
          section -> {
            assertThat(section.get(requireNonNull(variables.get("one_byte")).offset()))
                .isEqualTo((byte) -2);
            assertThat(section.getShort(requireNonNull(variables.get("two_bytes")).offset()))
                .isEqualTo((short) -2);
            assertThat(section.getInt(requireNonNull(variables.get("refused_port_be")).offset()))
                .isEqualTo(-1);
            assertThat(section.getLong(requireNonNull(variables.get("eight_bytes")).offset()))
                .isEqualTo(Long.MIN_VALUE);
          });
      assertThatIllegalArgumentException()
          .isThrownBy(() -> object.variable("one_byte", 256))
          .withMessageContaining("does not fit");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> object.variable("absent", 1))
          .withMessageContaining("no variable absent");
      object.load();
      assertThatIllegalStateException().isThrownBy(() -> object.variable("one_byte", 1));
    }
  }
}
