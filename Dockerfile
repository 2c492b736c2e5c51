# The pages' scripts, then the one binary, then as little as it needs to run.
FROM node:22-alpine AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist ./web/dist
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /marshrut ./cmd/marshrut

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /marshrut /marshrut
COPY configs/marshrut.yaml /etc/marshrut/marshrut.yaml
USER nonroot
EXPOSE 8080
ENTRYPOINT ["/marshrut"]
CMD ["serve", "-c", "/etc/marshrut/marshrut.yaml"]
