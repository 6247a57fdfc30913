package io.sluice.proxy.limits;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;

/** Charges a channel's account with its bytes, as they are on the wire; the first of a pipeline. */
@Sharable
public final class SocketBytes extends ChannelDuplexHandler {
  /** For every channel. */
  public static final SocketBytes INSTANCE = new SocketBytes();

  private SocketBytes() {}

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    Account account = Account.of(context.channel());
    if (account != null && message instanceof ByteBuf bytes) {
      account.received(bytes.readableBytes());
    }
    context.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    Account account = Account.of(context.channel());
    if (account != null && message instanceof ByteBuf bytes) {
      account.sent(bytes.readableBytes());
    }
    context.write(message, promise);
  }
}
