package io.sluice.node.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.linux.bpf.BpfObject;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("kernel")
class ProgramObjectsTest {
  @ParameterizedTest
  @EnumSource
  void everyProgramLoadsAsAdjustedToThisKernel(InterceptionProgram program) {
    try (BpfObject object = ProgramObjects.open(program)) {
      assertThat(object.programNames()).containsExactly(program.functionName());
      assertThatCode(object::load).doesNotThrowAnyException();
    }
  }

  @Test
  void theVariantForOlderKernelsLoadsToo() {
    InterceptionProgram program = InterceptionProgram.SOCK_OPS;
    try (BpfObject object = BpfObject.open(program.object(), program.objectName())) {
      object.variable("has_netns_cookie", 0);

      assertThatCode(object::load).doesNotThrowAnyException();
    }
  }
}
