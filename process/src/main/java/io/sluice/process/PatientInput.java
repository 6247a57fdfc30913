package io.sluice.process;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * Reads a channel, but waits only so long for the next byte. For one thread; the channel is the
 * caller's to close, and non-blocking from here on.
 */
final class PatientInput extends InputStream {
  private final SocketChannel channel;
  private final Selector selector;
  private final Duration patience;

  PatientInput(SocketChannel channel, Duration patience) throws IOException {
    this.channel = channel;
    this.patience = patience;
    channel.configureBlocking(false);
    this.selector = Selector.open();
    channel.register(selector, SelectionKey.OP_READ);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
  }

  /** Throws {@link IOException} also when nothing came for too long. */
  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    int count = channel.read(ByteBuffer.wrap(to, offset, length));
    while (count == 0) {
      selector.selectedKeys().clear();
      if (selector.select(patience.toMillis()) == 0) {
        throw new IOException(
            "it took the call and said nothing for " + patience.toSeconds() + " s");
      }
      count = channel.read(ByteBuffer.wrap(to, offset, length));
    }
    return count;
  }

  @Override
  public void close() throws IOException {
    selector.close();
  }
}
