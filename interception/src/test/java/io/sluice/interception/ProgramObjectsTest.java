package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfObject;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("kernel")
class ProgramObjectsTest {
  @ParameterizedTest
  @EnumSource
  void everyProgramLoadsAsAdjustedToThisKernel(InterceptionProgram program) {
    try (BpfObject object = ProgramObjects.open(BpfKernel.LINUX, program)) {
      assertThat(object.programNames()).containsExactly(program.functionName());
      assertThatCode(object::load).doesNotThrowAnyException();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SOCK_OPS, has_netns_cookie, 0",
    "SKB_EGRESS, has_netns_cookie, 0",
    "SOCK_CREATE, marks_sockets, 1",
    "CONNECT4, marks_sockets, 1",
    "CONNECT6, marks_sockets, 1"
  })
  void theVariantForOlderKernelsLoadsToo(InterceptionProgram program, String constant, int value) {
    try (BpfObject object = BpfObject.open(program.object(), program.objectName())) {
      object.variable(constant, value);

      assertThatCode(object::load).doesNotThrowAnyException();
    }
  }
}
