package io.sluice.proxy.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/**
 * Waits for the first record of a client, so that whoever connects and says nothing costs no TLS.
 * It takes itself out then; what came goes to the handlers behind it. Event loop of the channel.
 */
public final class FirstFlight extends ByteToMessageDecoder {
  private static final int HANDSHAKE = 22; // RFC 8446 §5.1
  private static final int LENGTH_AT = 3;
  private static final int HEADER_BYTES = 5;

  /** Twice the usual ClientHello with a key share of X25519MLKEM768. */
  private static final int MAX_WAITING_BYTES = 4_096;

  private final Runnable spoke;

  /**
   * Waits on a channel whose reading is automatic.
   *
   * @param spoke runs once, to add TLS behind this: a ClientHello has come, or something of which
   *     TLS will say that it is none
   */
  public FirstFlight(Runnable spoke) {
    this.spoke = spoke;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (isComplete(in)) {
      spoke.run();
      context.pipeline().remove(this);
    }
  }

  private static boolean isComplete(ByteBuf in) {
    int at = in.readerIndex();
    int came = in.readableBytes();
    return in.getUnsignedByte(at) != HANDSHAKE
        || came >= MAX_WAITING_BYTES
        || (came >= HEADER_BYTES && came >= HEADER_BYTES + in.getUnsignedShort(at + LENGTH_AT));
  }
}
