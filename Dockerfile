# Lifeboat router with its viewer. Node 24 is the project's own run time; nothing is compiled.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/setup.mjs && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production LIFEBOAT_DATA=/data
WORKDIR /app
COPY --from=build /app /app
# Compiled sources are kept here: a quicker start and less memory.
RUN mkdir -p /data node_modules/.cache/lifeboat && chown -R node:node /data node_modules/.cache
USER node
VOLUME /data
EXPOSE 8080 11112
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.LIFEBOAT_HTTP_PORT||8080)+'/readyz').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))"]
ENTRYPOINT ["node", "bin/lifeboat.mjs"]
CMD ["serve"]
