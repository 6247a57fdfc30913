package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.relay.Pipe;
import org.junit.jupiter.api.Test;

class ResumedTest {
  @Test
  void whatWasReadGoesWithAChannelThatIsNeverStarted() {
    ByteBuf said = Unpooled.directBuffer().writeByte('G');

    new Resumed(new Pipe().near(), said).reset();

    assertThat(said.refCnt()).isZero();
  }
}
