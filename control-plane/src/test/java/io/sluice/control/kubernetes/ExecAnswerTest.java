package io.sluice.control.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.client.http.WebSocket;
import io.sluice.control.kubernetes.KubernetesApi.Ended;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExecAnswerTest {
  private final List<Integer> closed = new ArrayList<>();
  private final ExecAnswer answer = new ExecAnswer(30);
  private final WebSocket socket =
      new WebSocket() {
        @Override
        public boolean send(ByteBuffer message) {
          return true;
        }

        @Override
        public boolean sendClose(int code, String reason) {
          return closed.add(code);
        }

        @Override
        public long queueSize() {
          return 0;
        }

        @Override
        public void request() {}
      };

  private void say(int channel, String text) {
    String message = (char) channel + text;
    answer.onMessage(socket, ByteBuffer.wrap(message.getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void isAllThatACommandWritesUpToTheLongest() {
    say(1, "abc");
    say(2, "de");
    say(3, "{\"status\": \"Success\"}");

    assertThat(answer.ended()).isCompletedWithValue(new Ended(0, "abc", "de"));
  }

  @Test
  void endsWhereACommandWritesMore() {
    say(1, "a".repeat(20));
    say(2, "b".repeat(11));

    assertThat(closed).containsExactly(1000);
    assertThatThrownBy(() -> answer.ended().join()).hasMessageContaining("more than 30 bytes");
  }
}
