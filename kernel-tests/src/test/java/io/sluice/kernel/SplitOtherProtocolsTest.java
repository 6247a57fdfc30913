package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class SplitOtherProtocolsTest extends OtherProtocolsContract {
  SplitOtherProtocolsTest() {
    super(Mechanism.SPLIT);
  }
}
